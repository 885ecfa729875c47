import { describe, expect, it } from "vitest";
import { lookupTable, MAPS, STEPS } from "../src/colour";
import { compose, contour, difference, enlarge, gridOf, muted, type Grid, type Look } from "../src/compose";

const look = (change: Partial<Look> = {}): Look => ({ opacity: 1, table: lookupTable("red-blue"), sign: "both", ...change });

function pixel(value: number, change: Partial<Look> = {}): number[] {
  const out = new Uint8ClampedArray(4);
  compose(out, new Uint8Array([0]), [[200, 100, 50]], new Float32Array([value]), look(change));
  return [...out];
}

describe("a pixel", () => {
  it("is the screen's own where there is no opacity", () => {
    expect(pixel(1, { opacity: 0 })).toEqual([200, 100, 50, 255]);
  });
  it("is the muted screen where there is no relevance", () => {
    const [r, g, b] = muted([200, 100, 50], 1).map(Math.round);
    expect(pixel(0)).toEqual([r, g, b, 255]);
  });
  it.each(Object.keys(MAPS))("has the strongest tone of %s at full relevance", (map) => {
    const table = lookupTable(map);
    expect(pixel(1, { table }).slice(0, 3)).toEqual(MAPS[map]!.pro[1]);
    expect(pixel(-1, { table }).slice(0, 3)).toEqual(MAPS[map]!.contra[1]);
    expect(pixel(7, { table })).toEqual(pixel(1, { table }));
  });
  it("shows one sign alone if asked", () => {
    expect(pixel(-0.6, { sign: "for" })).toEqual(pixel(0));
    expect(pixel(0.6, { sign: "against" })).toEqual(pixel(0));
    expect(pixel(0.6, { sign: "for" })).toEqual(pixel(0.6));
  });
  it("gets nearer to its hue with opacity", () => {
    const hue = MAPS["red-blue"]!.pro[0];
    const away = [0, 0.3, 0.6, 1].map((opacity) =>
      Math.hypot(...pixel(0.7, { opacity }).slice(0, 3).map((c, i) => c - hue[i]!)),
    );
    expect([...away].sort((a, b) => b - a)).toEqual(away);
  });
});

it("the table is symmetric in weight and transparent in its middle", () => {
  const table = lookupTable("orange-purple");
  const weight = (step: number) => table[(step + STEPS) * 4 + 3];
  expect(weight(0)).toBe(0);
  for (const step of [1, 50, STEPS]) expect(weight(step)).toBe(weight(-step));
});

const grid = (rows: number[][]): Grid => ({
  values: new Float32Array(rows.flat()),
  height: rows.length,
  width: rows[0]!.length,
});

describe("enlarging", () => {
  it("keeps a grid of the same size", () => {
    const values = [[1, 2, 3], [4, 5, 6]];
    expect([...enlarge(grid(values), 2, 3)]).toEqual(values.flat());
  });
  it("is linear between centres and flat beyond them", () => {
    expect([...enlarge(grid([[0, 1]]), 1, 4)]).toEqual([0, 0.25, 0.75, 1]);
  });
  it("takes a grid of one cell", () => {
    expect([...enlarge(grid([[3]]), 2, 2)]).toEqual([3, 3, 3, 3]);
  });
});

it("a frame of a stack is cut out where it lies", () => {
  const data = new Int8Array(2 * 3 * 4).map((_, i) => i);
  const layer = { data, shape: [2, 3, 2, 2], levels: 1 };
  expect([...gridOf(layer, 1, 2).values]).toEqual([20, 21, 22, 23]);
  expect([...gridOf({ ...layer, shape: [6, 2, 2] }, 4).values]).toEqual([16, 17, 18, 19]);
});

it("a cell has four sides, and neighbours share none", () => {
  expect(contour(new Uint8Array([0, 1, 0, 0]), 2, 2, 1)).toHaveLength(4);
  expect(contour(new Uint8Array([1, 1, 0, 0]), 2, 2, 1)).toHaveLength(6);
  expect(contour(new Uint8Array([1, 1, 1, 1]), 2, 2, 2)).toEqual([]);
});

describe("a difference of maps", () => {
  it("does not see how large the values are", () => {
    const found = difference(grid([[1, 3]]), grid([[10, 30]]));
    for (const value of found.values) expect(value).toBeCloseTo(0, 6);
  });
  it("is at the full colour where it is largest", () => {
    const found = difference(grid([[1, 0]]), grid([[0, 1]]));
    expect([...found.values]).toEqual([1, -1]);
  });
});
