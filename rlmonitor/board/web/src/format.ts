// What the server or the report gives; rlmonitor/board/page_data.py says what each field means.

export const FORMAT = 1;

export type Part = "clip" | "probe" | "play";
export const PARTS: readonly Part[] = ["clip", "probe", "play"];

export interface RunEntry {
  name: string;
  stamp: string;
}

export interface Change {
  kind: string;
  strategy: number;
  other: number[];
}

export interface StrategiesOfRound {
  target: string;
  not_enough: string | null;
  names: Record<string, string>;
  born: Record<string, number>;
  ids: number[];
  novelty: number | null;
  changes: Change[];
}

export type How = Record<string, unknown>;

export interface Round {
  timestep: number;
  elements: string[];
  outside: string[];
  targets: Record<string, string>;
  trust: Record<string, Record<string, number>>;
  strategies: StrategiesOfRound | null;
  scores: Record<string, number[]>;
  how?: How;
}

export interface RunEvent {
  timestep: number;
  kind: string;
  text: string;
  evidence: Record<string, number>;
}

export interface Index {
  format: number;
  run: string;
  timesteps: number[];
  values: Record<string, (number | null)[]>;
  rounds: Round[];
  events: RunEvent[];
  parts: Partial<Record<Part, Record<string, string>>>;
  problems: string[];
}

export interface ArrayEntry {
  name: string;
  shape: number[];
  type: "uint8" | "int8";
  delta: boolean;
  levels?: number;
  scale?: number;
}

export interface Cluster {
  id: number;
  name: string;
  occupancy: number;
  typical: number[];
  in_pixels: boolean;
  profile: Record<string, number>;
  /** Part of the members that the explained network puts here too; null where there is no other. */
  agreement?: number | null;
}

export interface Header {
  format: number;
  timestep: number;
  part: Part;
  frames: number;
  palette: [number, number, number][];
  screen: [number, number];
  grid: [number, number];
  elements: string[];
  actions: string[];
  outputs: number[][];
  logits: boolean;
  action: number[];
  score: number[];
  step: number[];
  shares: Record<string, Record<string, number[]>>;
  frame_share: Record<string, number[][]>;
  captions: string[] | null;
  strategies?: {
    target: string;
    points: ([number, number] | null)[];
    labels: number[];
    clusters: Cluster[];
  };
  arrays: ArrayEntry[];
}

/** A sentence for a person, as opposed to a fault of this page. */
export class Missing extends Error {}

export function checkFormat(format: unknown, what: string): void {
  if (format !== FORMAT) {
    throw new Missing(
      `${what} has format ${String(format)}; this page reads format ${FORMAT}. ` +
        "The rlmonitor that wrote it shows it.",
    );
  }
}

const grouped = new Intl.NumberFormat("en-US");
export const count = (n: number): string => grouped.format(n);

/** A number with three significant digits, and a true minus sign. */
export function brief(value: number): string {
  const size = Math.abs(value);
  const text =
    size !== 0 && (size < 1e-3 || size >= 1e6)
      ? value.toExponential(1)
      : String(Number(value.toPrecision(3)));
  return text.replace("-", "−");
}

export const percent = (part: number): string => `${(100 * part).toFixed(part < 0.0995 ? 1 : 0)} %`;

const QUESTIONS: Record<string, [string, string]> = {
  q: ["What it values", "Q(s, a)"],
  value: ["What it values", "V(s)"],
  advantage: ["What it decides by", "Q(s, a) − mean Q"],
  logit: ["What speaks for the action", "logit"],
};

/** A target as a question, and as a formula. */
export function question(target: string, logits = false): [string, string] {
  const known = QUESTIONS[target] ?? [target, target];
  return logits && target === "advantage" ? [known[0], "logit − mean logit"] : known;
}
