import { describe, expect, it } from "vitest";
import type { Index } from "../src/format";
import { howAt, trustOf } from "../src/sections";
import { verdict } from "../src/trust";

const good = {
  pixel_flipping: 0.05, rule_agreement: 0.9, causal_agreement: 0.8, random_network: 0.1, conservation_error: 1e-6,
};

describe("the light", () => {
  it("is green where every number is within bounds", () => {
    expect(verdict(good)).toMatchObject({ light: "green" });
  });
  it.each([
    ["pixel_flipping", 0.01, "amber"],
    ["pixel_flipping", -0.01, "red"],
    ["rule_agreement", 0.3, "amber"],
    ["causal_agreement", -0.5, "red"],
    ["random_network", 0.95, "red"],
    ["conservation_error", 0.005, "amber"],
  ])("with %s at %d is %s, and the sentence names it", (name, value, light) => {
    const found = verdict({ ...good, [name]: value });
    expect(found.light).toBe(light);
    const title = found.judged.find((each) => each.measure.name === name)!.measure.title;
    expect(found.sentence).toContain(title.toLowerCase());
  });
  it("is the worst of all", () => {
    expect(verdict({ ...good, rule_agreement: 0.3, pixel_flipping: -1 }).light).toBe("red");
  });
  it("is grey where nothing but rounding was measured", () => {
    expect(verdict({ conservation_error: 1e-7 })).toMatchObject({ light: "grey" });
    expect(verdict(undefined)).toMatchObject({ light: "grey" });
  });
});

it("a round without numbers of its own targets takes the curves'", () => {
  const index = {
    rounds: [{ trust: {} }],
    values: { "faithfulness/random_network": [0.99], "faithfulness/pixel_flipping": [0.3], "play/x": [1] },
  } as unknown as Index;
  expect(trustOf(index, 0, "q").light).toBe("red");
});

it("how a round was made is what was told last", () => {
  const index = { rounds: [{ how: { seed: 1 } }, {}, { how: { seed: 2 } }] } as unknown as Index;
  expect([0, 1, 2].map((at) => howAt(index, at)?.seed)).toEqual([1, 1, 2]);
});
