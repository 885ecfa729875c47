import { describe, expect, it } from "vitest";
import { told, type Series } from "../src/chart";

const series = (n: number, silent = false): Series[] =>
  Array.from({ length: n }, (_, i) => ({ label: `${i}`, colour: "#000", values: [i % 7 ? 0 : i + 1, null], silent }));

describe("what is told of series", () => {
  it("is all of a few, without the edges of fans", () => {
    expect(told([...series(12), ...series(2, true)], 0)).toHaveLength(12);
  });
  it("is of many what is not zero there", () => {
    expect(told(series(91), 0).map((each) => Number(each.label))).toEqual([0, 7, 14, 21, 28, 35, 42, 49, 56, 63, 70, 77, 84]);
    expect(told(series(91), 1)).toEqual([]);
  });
});
