// uPlot in a component: colours of the theme, size of its place, a mark at the round looked at.

import { useEffect, useLayoutEffect, useRef, useState } from "preact/hooks";
import uPlot from "uplot";
import { count } from "./format";
import { useWidth } from "./hooks";

export interface Series {
  label: string;
  colour: string;
  /** Filled down to the series after it. */
  filled?: boolean;
  /** On the axis at the right. */
  right?: boolean;
  width?: number;
  /** Edge of a fan: not in the readout. */
  silent?: boolean;
  values: (number | null)[];
  /** What the readout says, where it is not the value drawn. */
  said?: (number | null)[];
}

export interface Flag {
  timestep: number;
  title: string;
  kind: string;
  count: number;
}

export interface ChartProps {
  label: string;
  timesteps: number[];
  series: Series[];
  /** Pairs of series between which there is a fan. */
  fans?: [number, number, string][];
  height: number;
  format: (value: number) => string;
  formatRight?: (value: number) => string;
  range?: [number, number];
  theme: string;
  marked: number | undefined;
  onPick: (timestep: number) => void;
  flags?: Flag[];
}

const MOST_TOLD = 12;

/** Charts above each other have their timesteps above each other. */
const [LEFT, RIGHT] = [48, 48];

const css = (name: string) => getComputedStyle(document.documentElement).getPropertyValue(name).trim();

const compact = (n: number) =>
  Math.abs(n) >= 1e6 ? `${+(n / 1e6).toPrecision(4)} M` : Math.abs(n) >= 1e4 ? `${+(n / 1e3).toPrecision(4)} k` : count(n);

export function Chart(props: ChartProps) {
  const [place, width] = useWidth<HTMLDivElement>();
  const plot = useRef<uPlot | null>(null);
  const latest = useRef(props);
  latest.current = props;
  const [hovered, setHovered] = useState<number | null>(null);
  const data = JSON.stringify([props.timesteps, props.series, props.fans]);

  // Before anything is painted, so that paper gets the colours of paper
  useLayoutEffect(() => {
    if (!width || !place.current) return undefined;
    const made = new uPlot(options(latest, width, setHovered), columns(props), place.current);
    plot.current = made;
    return () => made.destroy();
  }, [width, data, props.theme, props.height]);
  useEffect(() => plot.current?.redraw(false), [props.marked]);

  const known = props.timesteps;
  const shown = hovered ?? known.indexOf(props.marked ?? NaN);
  const step = (by: number) => {
    const here = known.indexOf(props.marked ?? NaN);
    const next = known[Math.min(Math.max((here < 0 ? known.length - 1 : here) + by, 0), known.length - 1)];
    if (next !== undefined) props.onPick(next);
  };
  const onKeyDown = (event: KeyboardEvent) => {
    const by = { ArrowLeft: -1, ArrowRight: 1, Home: -Infinity, End: Infinity }[event.key];
    if (by === undefined) return;
    event.preventDefault();
    event.stopPropagation();
    step(by);
  };
  return (
    <div class="chart">
      {props.flags && (
        <div class="flags">
          {width > 0 &&
            props.flags.map((flag) => (
              <button
                key={flag.timestep}
                type="button"
                class={`flag ${flag.kind}`}
                style={{ left: `${(100 * (LEFT + along(known, flag.timestep) * (width - LEFT - RIGHT))) / width}%` }}
                title={flag.title}
                aria-label={`Event at timestep ${count(flag.timestep)}: ${flag.title}`}
                onClick={() => props.onPick(flag.timestep)}
              >
                {flag.count > 1 ? flag.count : "⚑"}
              </button>
            ))}
        </div>
      )}
      <div
        ref={place}
        role="slider"
        tabIndex={0}
        aria-label={props.label}
        aria-valuemin={known[0] ?? 0}
        aria-valuemax={known.at(-1) ?? 0}
        aria-valuenow={props.marked ?? known.at(-1) ?? 0}
        aria-valuetext={spoken(props, known.indexOf(props.marked ?? NaN))}
        onKeyDown={onKeyDown}
        style={{ height: `${props.height}px` }}
      />
      <Readout {...props} at={shown} />
    </div>
  );
}

function Readout(props: ChartProps & { at: number }) {
  const timestep = props.timesteps[props.at];
  return (
    <p class="readout" aria-hidden="true">
      <b>{timestep === undefined ? "" : `t = ${count(timestep)}`}</b>
      {told(props.series, props.at).map((each) => (
        <span key={each.label}>
          <i class="swatch" style={{ background: each.colour }} />
          {each.label} <b>{said(props, each, props.at)}</b>
        </span>
      ))}
    </p>
  );
}

/** Of more series than a reader takes in, those that are not zero here. */
export function told(series: Series[], at: number): Series[] {
  const heard = series.filter((each) => !each.silent);
  return heard.length > MOST_TOLD ? heard.filter((each) => (each.said ?? each.values)[at]) : heard;
}

function said(props: ChartProps, series: Series, at: number): string {
  const value = (series.said ?? series.values)[at];
  if (value === null || value === undefined) return "–";
  return (series.right && props.formatRight ? props.formatRight : props.format)(value);
}

function spoken(props: ChartProps, at: number): string {
  const timestep = props.timesteps[at];
  if (timestep === undefined) return "no round chosen";
  const values = told(props.series, at).map((s) => `${s.label} ${said(props, s, at)}`);
  return `timestep ${count(timestep)}: ${values.join(", ")}`;
}

/** The timesteps at the left and the right end; a single one is in the middle. */
function ends(timesteps: number[]): [number, number] {
  const [first, last] = [timesteps[0] ?? 0, timesteps.at(-1) ?? 0];
  return first < last ? [first, last] : [first - 1, first + 1];
}

/** How far a timestep is from the left end to the right, 0 to 1. */
function along(timesteps: number[], timestep: number): number {
  const [first, last] = ends(timesteps);
  return (timestep - first) / (last - first);
}

const columns = (props: ChartProps): uPlot.AlignedData =>
  [props.timesteps, ...props.series.map((each) => each.values)] as uPlot.AlignedData;

function options(
  latest: { current: ChartProps },
  width: number,
  onHover: (at: number | null) => void,
): uPlot.Options {
  const props = latest.current;
  const [ink, grid] = [css("--quiet"), css("--grid")];
  const axis = { stroke: ink, grid: { stroke: grid, width: 1 }, ticks: { stroke: grid, size: 4 }, font: "11px system-ui" };
  const few = props.timesteps.length < 2;
  const [first, last] = ends(props.timesteps);
  const right = props.series.some((each) => each.right);
  return {
    width,
    height: props.height,
    padding: [8, right ? 0 : RIGHT, 0, 0],
    legend: { show: false },
    cursor: { y: false, drag: { x: false, y: false }, points: { size: 5 } },
    scales: {
      x: { time: false, range: () => [first, last] },
      y: props.range ? { range: () => props.range! } : {},
      ...(right ? { r: {} } : {}),
    },
    axes: [
      { ...axis, size: 26, values: (_, splits) => splits.map((s) => (few && s !== props.timesteps[0] ? "" : compact(s))) },
      { ...axis, size: LEFT, values: (_, splits) => splits.map(props.format) },
      ...(right
        ? [{ ...axis, scale: "r", side: 1 as const, size: RIGHT, grid: { show: false }, values: (_: uPlot, s: number[]) => s.map(props.formatRight ?? String) }]
        : []),
    ],
    series: [{}, ...props.series.map((each) => drawn(each, few))],
    bands: [
      ...props.series.flatMap((each, i) => {
        const below = props.series.findIndex((other, k) => k > i && other.filled);
        return each.filled && below > 0 ? [{ series: [i + 1, below + 1] as [number, number], fill: each.colour }] : [];
      }),
      ...(props.fans ?? []).map(([high, low, fill]) => ({ series: [high + 1, low + 1] as [number, number], fill })),
    ],
    hooks: {
      setCursor: [(u) => onHover(u.cursor.idx ?? null)],
      draw: [(u) => mark(u, latest.current.marked)],
      ready: [(u) => u.over.addEventListener("click", () => {
        const timestep = latest.current.timesteps[u.cursor.idx ?? -1];
        if (timestep !== undefined) latest.current.onPick(timestep);
      })],
    },
  };
}

function drawn(each: Series, few: boolean): uPlot.Series {
  return {
    label: each.label,
    scale: each.right ? "r" : "y",
    stroke: each.filled ? css("--card") : each.colour,
    width: each.width ?? (each.filled ? 1 : 2),
    points: { show: few, size: 8, fill: each.colour, stroke: each.colour },
    spanGaps: !each.filled,
    ...(each.filled ? { fill: each.colour } : {}),
  };
}

/** A line at the round that is looked at. */
function mark(u: uPlot, timestep: number | undefined): void {
  if (timestep === undefined) return;
  const x = u.valToPos(timestep, "x", true);
  const { ctx, bbox } = u;
  ctx.save();
  ctx.strokeStyle = css("--ink");
  ctx.lineWidth = 1.5 * devicePixelRatio;
  ctx.setLineDash([4 * devicePixelRatio, 3 * devicePixelRatio]);
  ctx.beginPath();
  ctx.moveTo(x, bbox.top);
  ctx.lineTo(x, bbox.top + bbox.height);
  ctx.stroke();
  ctx.restore();
}
