import { describe, expect, it } from "vitest";
import { fans, groupOf, latestDrawn, nearest, resampled, stacked } from "../src/curves";
import type { Index } from "../src/format";
import { flagsOf } from "../src/timeline";

const run = (name: string, timesteps: number[], x: (number | null)[]) =>
  ({ run: name, timesteps, values: { x } }) as unknown as Index;

it("stacks from the last one up", () => {
  expect(stacked([[1, null], [2, 3], [4, 5]])).toEqual([[7, 8], [6, 8], [4, 5]]);
});

it("finds the nearest round", () => {
  expect(nearest([0, 100, 250], 180)).toBe(2);
  expect(nearest([0, 100], -5)).toBe(0);
  expect(nearest([], 3)).toBe(-1);
});

it("finds the latest round with pictures", () => {
  const index = (timesteps: number[], parts: object) => ({ timesteps, parts }) as unknown as Index;
  const drawn = { 0: "a", 10: "b" };
  expect(latestDrawn(index([0, 10, 20], { clip: drawn, probe: drawn }))).toBe(1);
  expect(latestDrawn(index([0, 10], { clip: drawn }))).toBe(1);
  expect(latestDrawn(index([0, 10, 20], { clip: { 0: "a" }, play: { 20: "c" } }))).toBe(2);
  expect(latestDrawn(index([0, 10, 20], {}))).toBe(2);
  expect(latestDrawn(index([], {}))).toBe(-1);
});

it.each([
  ["pong-nips-0", "pong-nips"],
  ["DQN_12", "DQN"],
  ["breakout seed3", "breakout"],
  ["a/seed=4", "a"],
  ["baseline", "baseline"],
  ["7", "7"],
])("%s is of the group %s", (name, group) => expect(groupOf(name)).toBe(group));

describe("a curve at other timesteps", () => {
  it("is linear between its points and nothing beyond", () => {
    const index = run("a", [0, 10, 20], [0, null, 4]);
    expect(resampled(index, "x", [-1, 0, 5, 10, 20, 21])).toEqual([null, 0, 1, 2, 4, null]);
  });
  it("that a run does not have is nothing", () => {
    expect(resampled(run("a", [0], [1]), "y", [0])).toEqual([null]);
  });
});

describe("a fan", () => {
  const runs = [run("a-0", [0, 10], [1, 3]), run("a-1", [0, 10], [3, 9]), run("b", [0], [7])];
  it("holds the seeds of a group", () => {
    const [a, b] = fans(runs, "x", [0, 10], true);
    expect([a!.name, a!.mean, a!.low, a!.high]).toEqual(["a (2 seeds)", [2, 6], [1, 3], [3, 9]]);
    expect([b!.name, b!.mean]).toEqual(["b", [7, null]]);
  });
  it("is opened if asked", () => {
    expect(fans(runs, "x", [0], false).map((fan) => fan.name)).toEqual(["a-0", "a-1", "b"]);
  });
});

it("events of one timestep have one flag", () => {
  const event = (timestep: number, kind: string) => ({ timestep, kind, text: `${kind}.`, evidence: {} });
  expect(flagsOf([event(5, "onset"), event(5, "shift"), event(9, "fault")])).toEqual([
    { timestep: 5, title: "onset. · shift.", kind: "onset", count: 2 },
    { timestep: 9, title: "fault.", kind: "fault", count: 1 },
  ]);
});
