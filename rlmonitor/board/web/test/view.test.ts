import { describe, expect, it } from "vitest";
import { DEFAULT, readView, writeView, type View } from "../src/view";

describe("a view", () => {
  it("of the usual kind leaves the address empty", () => {
    expect(writeView(DEFAULT)).toBe("");
    expect(readView("")).toEqual(DEFAULT);
  });
  it("comes back from the address", () => {
    const view: View = {
      run: "a & b/ü=#", beside: ["c", "d e"], timestep: 0, target: "q", measure: "relative", frames: "probe",
      part: "play", frame: 12, panels: "one", opacity: 0.35, map: "yellow-cyan", sign: "against", stack: 2,
      outlines: false, curve: "play/score_rate", fan: false, otherRun: "x", otherTimestep: 7, probeFrame: 3,
    };
    expect(readView(writeView(view))).toEqual(view);
  });
  it("takes the usual where the address is wrong", () => {
    const query = "measure=none&part=../x&frame=-1&opacity=7&map=jet&sign=1&stack=a&timestep=1e9&other=1";
    expect(readView(query)).toEqual(DEFAULT);
  });
});
