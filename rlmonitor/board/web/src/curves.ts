// Curves over a training: stacks, fans of seeds, the nearest round.

import type { Index } from "./format";

export type Column = (number | null)[];

/** Running sums from the last column up, so that the first one is on top; null counts as 0. */
export function stacked(columns: readonly Column[]): Column[] {
  const sums: Column[] = [];
  for (const column of [...columns].reverse()) {
    const below = sums[0];
    sums.unshift(column.map((value, i) => (value ?? 0) + (below?.[i] ?? 0)));
  }
  return sums;
}

/** Where in ascending timesteps the nearest one is; −1 where there is none. */
export function nearest(timesteps: readonly number[], wanted: number): number {
  let best = -1;
  timesteps.forEach((step, i) => {
    if (best < 0 || Math.abs(step - wanted) < Math.abs(timesteps[best]! - wanted)) best = i;
  });
  return best;
}

/** Where the latest round is that has pictures, as not all have; where none has, the last one; −1 without rounds. */
export function latestDrawn(index: Index): number {
  const drawn = new Set(Object.values(index.parts).flatMap((own) => Object.keys(own).map(Number)));
  const place = index.timesteps.findLastIndex((step) => drawn.has(step));
  return place < 0 ? index.timesteps.length - 1 : place;
}

/** A run's name without the number of its seed: runs that differ in nothing else are a group. */
export function groupOf(run: string): string {
  return run.replace(/[-_./ ]+(seed|s)?[-_=]?\d+$/i, "") || run;
}

export interface Fan {
  name: string;
  runs: string[];
  mean: Column;
  low: Column;
  high: Column;
}

/** All timesteps of some runs, ascending. */
export function allTimesteps(indexes: readonly Index[]): number[] {
  return [...new Set(indexes.flatMap((index) => index.timesteps))].sort((a, b) => a - b);
}

/** A curve at other timesteps, linear between its points; null outside of them. */
export function resampled(index: Index, name: string, timesteps: readonly number[]): Column {
  const values = index.values[name] ?? [];
  const known: [number, number][] = [];
  index.timesteps.forEach((step, i) => {
    const value = values[i];
    if (value !== null && value !== undefined) known.push([step, value]);
  });
  let after = 0;
  return timesteps.map((step) => {
    while (after < known.length && known[after]![0] < step) after++;
    const right = known[after];
    if (!right) return null;
    if (right[0] === step) return right[1];
    const left = known[after - 1];
    if (!left) return null;
    return left[1] + ((right[1] - left[1]) * (step - left[0])) / (right[0] - left[0]);
  });
}

/** Runs in groups, each with mean, smallest and largest value; without `fan` each by itself. */
export function fans(
  indexes: readonly Index[],
  name: string,
  timesteps: readonly number[],
  fan: boolean,
): Fan[] {
  const groups = new Map<string, Index[]>();
  for (const index of indexes) {
    const group = fan ? groupOf(index.run) : index.run;
    groups.set(group, [...(groups.get(group) ?? []), index]);
  }
  return [...groups].map(([group, members]) => {
    const columns = members.map((index) => resampled(index, name, timesteps));
    const at = (i: number) => columns.flatMap((column) => column[i] ?? []);
    const each = (of: (values: number[]) => number): Column =>
      timesteps.map((_, i) => (at(i).length ? of(at(i)) : null));
    return {
      name: members.length > 1 ? `${group} (${members.length} seeds)` : members[0]!.run,
      runs: members.map((index) => index.run),
      mean: each((values) => values.reduce((a, b) => a + b, 0) / values.length),
      low: each((values) => Math.min(...values)),
      high: each((values) => Math.max(...values)),
    };
  });
}
