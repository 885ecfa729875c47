// Draws a frame: the screen, muted, under the relevance; pure arithmetic on pixels.

import { STEPS, type Rgb } from "./colour";

export type Sign = "both" | "for" | "against";

export interface Look {
  /** 0 shows the screen alone. */
  opacity: number;
  /** See `lookupTable`. */
  table: Uint8Array;
  sign: Sign;
}

export interface Grid {
  /** Signed, 1 and −1 are full relevance. */
  values: Float32Array;
  height: number;
  width: number;
}

/** One frame of a layer of `[frames, height, width]`, or of a frame of its stack. */
export function gridOf(
  layer: { data: Int8Array; shape: number[]; levels: number },
  frame: number,
  inStack = 0,
): Grid {
  const [height, width] = layer.shape.slice(-2) as [number, number];
  const stack = layer.shape.length > 3 ? layer.shape[1]! : 1;
  const size = height * width;
  const start = (frame * stack + inStack) * size;
  const values = new Float32Array(size);
  for (let i = 0; i < size; i++) values[i] = (layer.data[start + i] ?? 0) / layer.levels;
  return { values, height, width };
}

/** Of which two samples, and in which parts, each of `size` pixels is made (half-pixel centres). */
function taps(size: number, samples: number): { low: Int32Array; part: Float32Array } {
  const low = new Int32Array(size);
  const part = new Float32Array(size);
  for (let i = 0; i < size; i++) {
    const at = Math.min(Math.max(((i + 0.5) * samples) / size - 0.5, 0), samples - 1);
    low[i] = Math.min(Math.floor(at), Math.max(samples - 2, 0));
    part[i] = samples > 1 ? at - low[i]! : 0;
  }
  return { low, part };
}

/** A grid at the size of a screen, by linear interpolation. */
export function enlarge(grid: Grid, height: number, width: number): Float32Array {
  const rows = taps(height, grid.height);
  const columns = taps(width, grid.width);
  const right = grid.width > 1 ? 1 : 0;
  const below = grid.height > 1 ? grid.width : 0;
  const out = new Float32Array(height * width);
  for (let y = 0; y < height; y++) {
    const row = rows.low[y]! * grid.width;
    const v = rows.part[y]!;
    for (let x = 0; x < width; x++) {
      const at = row + columns.low[x]!;
      const u = columns.part[x]!;
      const upper = grid.values[at]! * (1 - u) + grid.values[at + right]! * u;
      const lower = grid.values[at + below]! * (1 - u) + grid.values[at + below + right]! * u;
      out[y * width + x] = upper * (1 - v) + lower * v;
    }
  }
  return out;
}

const PALE = 0.55;
const DIM = 0.42;

/** A screen's colour, paler and dimmer with more opacity, so that hues mean relevance alone. */
export function muted(colour: Rgb, opacity: number): Rgb {
  const grey = 0.299 * colour[0] + 0.587 * colour[1] + 0.114 * colour[2];
  return colour.map((c) => (c + (grey - c) * PALE * opacity) * (1 - DIM * opacity)) as Rgb;
}

/** Fill `out` (RGBA) with a frame. */
export function compose(
  out: Uint8ClampedArray,
  screen: Uint8Array,
  palette: readonly Rgb[],
  relevance: Float32Array | null,
  look: Look,
): void {
  const base = new Float32Array(3 * 256);
  palette.slice(0, 256).forEach((colour, i) => base.set(muted(colour, look.opacity), 3 * i));
  const { table, opacity } = look;
  const low = look.sign === "for" ? 0 : -1;
  const high = look.sign === "against" ? 0 : 1;
  for (let i = 0; i < screen.length; i++) {
    const under = 3 * screen[i]!;
    const value = relevance ? Math.min(Math.max(relevance[i]!, low), high) : 0;
    const at = (Math.round(value * STEPS) + STEPS) * 4;
    const weight = (table[at + 3]! / 255) * opacity;
    out[4 * i] = base[under]! + (table[at]! - base[under]!) * weight;
    out[4 * i + 1] = base[under + 1]! + (table[at + 1]! - base[under + 1]!) * weight;
    out[4 * i + 2] = base[under + 2]! + (table[at + 2]! - base[under + 2]!) * weight;
    out[4 * i + 3] = 255;
  }
}

/** Segments `[x1, y1, x2, y2]` in cells of the grid around all cells of one number. */
export function contour(
  numbers: Uint8Array,
  height: number,
  width: number,
  number: number,
): [number, number, number, number][] {
  const segments: [number, number, number, number][] = [];
  for (let y = 0; y < height; y++) {
    for (let x = 0; x < width; x++) {
      const at = y * width + x;
      if (numbers[at] !== number) continue;
      if (y === 0 || numbers[at - width] !== number) segments.push([x, y, x + 1, y]);
      if (y === height - 1 || numbers[at + width] !== number) segments.push([x, y + 1, x + 1, y + 1]);
      if (x === 0 || numbers[at - 1] !== number) segments.push([x, y, x, y + 1]);
      if (x === width - 1 || numbers[at + 1] !== number) segments.push([x + 1, y, x + 1, y + 1]);
    }
  }
  return segments;
}

/** The difference of two maps, each first divided by the sum of its |relevance|. */
export function difference(a: Grid, b: Grid): Grid {
  const sum = (grid: Grid) => grid.values.reduce((s, v) => s + Math.abs(v), 0) || 1;
  const [ofA, ofB] = [sum(a), sum(b)];
  const values = a.values.map((value, i) => value / ofA - (b.values[i] ?? 0) / ofB);
  const largest = values.reduce((m, v) => Math.max(m, Math.abs(v)), 0) || 1;
  return { ...a, values: values.map((v) => v / largest) };
}
