// How far the maps of a round may be believed: a light, its numbers, and one sentence.

export type Light = "green" | "amber" | "red" | "grey";

export interface Measure {
  name: string;
  title: string;
  meaning: string;
  /** At least (or, where `small`, at most) this much for green, and for amber. */
  green: number;
  amber: number;
  small: boolean;
}

export const MEASURES: readonly Measure[] = [
  {
    name: "pixel_flipping",
    title: "Pixel flipping",
    meaning: "removing what has most relevance changes the value more than removing at random",
    green: 0.02,
    amber: 0,
    small: false,
  },
  {
    name: "rule_agreement",
    title: "Agreement of rules",
    meaning: "cosine with the map of another composite",
    green: 0.5,
    amber: 0.2,
    small: false,
  },
  {
    name: "causal_agreement",
    title: "Agreement with effects",
    meaning: "rank agreement of relevance and of what changes without the element",
    green: 0.3,
    amber: 0,
    small: false,
  },
  {
    name: "random_network",
    title: "Likeness to an untrained network",
    meaning: "mean |cosine| with its maps; near 1 they show the game, not what was learnt",
    green: 0.5,
    amber: 0.8,
    small: true,
  },
  {
    name: "conservation_error",
    title: "Conservation error",
    meaning: "map and absorbed relevance against the explained value; rounding only",
    green: 1e-3,
    amber: 1e-2,
    small: true,
  },
];

export interface Judged {
  measure: Measure;
  value: number | null;
  light: Light;
}

export function judge(measure: Measure, value: number | null | undefined): Judged {
  if (value === null || value === undefined) return { measure, value: null, light: "grey" };
  const good = (limit: number) => (measure.small ? value <= limit : value >= limit);
  return { measure, value, light: good(measure.green) ? "green" : good(measure.amber) ? "amber" : "red" };
}

export interface Verdict {
  light: Light;
  sentence: string;
  judged: Judged[];
}

/** The worst light of all numbers; the sentence names what made it so. */
export function verdict(numbers: Record<string, number> | undefined): Verdict {
  const judged = MEASURES.map((measure) => judge(measure, numbers?.[measure.name]));
  const named = (light: Light) =>
    judged
      .filter((each) => each.light === light)
      .map((each) => each.measure.title.toLowerCase())
      .join(", ");
  const known = judged.filter((each) => each.light !== "grey");
  if (!known.some((each) => each.measure.name !== "conservation_error")) {
    return { light: "grey", judged, sentence: "Not measured: too few frames to say whether these maps may be believed." };
  }
  if (named("red")) {
    return { light: "red", judged, sentence: `Do not read these maps: ${named("red")} is out of bounds.` };
  }
  if (named("amber")) {
    return { light: "amber", judged, sentence: `Read with care: weak in ${named("amber")}.` };
  }
  return { light: "green", judged, sentence: "These maps may be read: every measure is within its bounds." };
}
