// Colours of relevance, elements, strategies and runs.

export type Rgb = [number, number, number];

export const rgb = (code: string): Rgb => [
  parseInt(code.slice(1, 3), 16),
  parseInt(code.slice(3, 5), 16),
  parseInt(code.slice(5, 7), 16),
];

interface Hues {
  name: string;
  /** For the explained value, and the tone that the strongest relevance runs into. */
  pro: [Rgb, Rgb];
  contra: [Rgb, Rgb];
}

/** Diverging pairs that people with any kind of colour blindness tell apart. */
export const MAPS: Record<string, Hues> = {
  "red-blue": {
    name: "Red and blue",
    pro: [rgb("#f5301f"), rgb("#ffb08a")],
    contra: [rgb("#1f7df2"), rgb("#a6d8ff")],
  },
  "orange-purple": {
    name: "Orange and purple",
    pro: [rgb("#f18a00"), rgb("#ffe0a3")],
    contra: [rgb("#7b4fc9"), rgb("#d9c8ff")],
  },
  "yellow-cyan": {
    name: "Yellow and cyan",
    pro: [rgb("#e6c700"), rgb("#fff6b3")],
    contra: [rgb("#00a5c8"), rgb("#b3f0ff")],
  },
};

const KNEE = 0.75;
/** Entries on each side of zero. */
export const STEPS = 255;

/** From full relevance against to full relevance for: red, green, blue and weight, each 0 to 255. */
export function lookupTable(map: string): Uint8Array {
  const hues = MAPS[map] ?? MAPS["red-blue"]!;
  const table = new Uint8Array((2 * STEPS + 1) * 4);
  for (let step = -STEPS; step <= STEPS; step++) {
    const [hue, tone] = step > 0 ? hues.pro : hues.contra;
    const strength = Math.abs(step) / STEPS;
    const towards = Math.max(0, (strength - KNEE) / (1 - KNEE));
    const at = (step + STEPS) * 4;
    for (let c = 0; c < 3; c++) table[at + c] = hue[c]! + (tone[c]! - hue[c]!) * towards;
    table[at + 3] = 255 * Math.min(1, strength / KNEE);
  }
  return table;
}

const ELEMENTS: Record<string, string> = {
  ball: "#e8a200",
  paddle: "#1b9e77",
  tunnel: "#b066c9",
  bricks: "#c9623f",
  display: "#5b9bd5",
  rest: "#98a2ae",
};
const OTHERS = ["#e8a200", "#1b9e77", "#b066c9", "#56b4e9", "#c9623f", "#9a7b2f", "#d379a8"];

/** The colours of a game's elements, in their order; `rest` is grey. */
export function elementColours(elements: readonly string[]): Record<string, string> {
  const taken = new Set(elements.map((name) => ELEMENTS[name]));
  const free = OTHERS.filter((code) => !taken.has(code));
  let next = 0;
  return Object.fromEntries(
    elements.map((name) => [name, ELEMENTS[name] ?? free[next++ % free.length]!]),
  );
}

const SERIES = [
  "#4477aa", "#ee6677", "#228833", "#ccaa33", "#55bbdd", "#aa3377",
  "#7a6a53", "#9988dd", "#77aa55", "#dd8844",
]; // prettier-ignore

export const seriesColour = (number: number): string => SERIES[number % SERIES.length]!;
