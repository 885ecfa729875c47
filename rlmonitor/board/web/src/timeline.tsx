// (a) Shares of the elements and score over a training; several runs beside each other.

import { Chart, type Flag, type Series } from "./chart";
import { elementColours, seriesColour } from "./colour";
import { allTimesteps, fans, latestDrawn, stacked, type Column } from "./curves";
import { brief, percent, question, type Index, type RunEvent } from "./format";
import type { Shown } from "./hooks";
import { Choice, Note, Section, Select } from "./parts";

export function Timeline(props: Shown) {
  const { view, change, index, round } = props;
  const scope = (view.frames === "probe" ? "probe_" : "") + (round.targets[props.target] ?? props.target);
  const targets = Object.keys(round.targets).map((t) => [t, question(t)[0]] as const);
  return (
    <Section
      id="timeline"
      title="Timeline"
      aside={
        <>
          <Choice label="Question" options={targets} value={props.target} onChange={(target) => change({ target })} />
          <Choice
            label="Measure"
            options={[["share", "Share"], ["relative", "Relative"]]}
            value={view.measure}
            onChange={(measure) => change({ measure })}
          />
          <Choice
            label="Frames"
            options={[["play", "Own play"], ["probe", "Fixed probe"]]}
            value={view.frames}
            onChange={(frames) => change({ frames })}
          />
        </>
      }
    >
      <Elements {...props} scope={scope} />
      <Beside {...props} scope={scope} />
      {index.problems.map((problem) => (
        <Note key={problem} alert>
          {problem}
        </Note>
      ))}
    </Section>
  );
}

const SCORE = "play/score_rate";

function Elements(props: Shown & { scope: string }) {
  const { view, index, round, scope } = props;
  const share = view.measure === "share";
  const kind = share ? "share" : "relative";
  const known = elementsOf(index, round.elements, round.outside, scope, kind, share);
  if (!known.length) {
    return <Note>{nothing(view.frames, index, scope)}</Note>;
  }
  const colours = elementColours([...round.elements, ...round.outside]);
  const columns = known.map((name) => index.values[`${scope}/${kind}/${name}`]!);
  const drawn = share ? stacked(columns) : columns;
  const series: Series[] = known.map((name, i) => ({
    label: name,
    colour: colours[name]!,
    filled: share,
    values: drawn[i]!,
    said: columns[i]!,
  }));
  const score = index.values[SCORE];
  if (score) {
    series.push({ label: "score per 1,000 steps", colour: "var(--ink)", right: true, width: 1.75, values: score });
  }
  return (
    <Chart
      label={`${share ? "Share" : "Relative relevance"} of the elements over timesteps`}
      timesteps={index.timesteps}
      series={withInk(series)}
      height={230}
      format={share ? percent : brief}
      formatRight={brief}
      {...(share ? { range: [0, 1] as [number, number] } : {})}
      theme={props.theme}
      marked={round.timestep}
      onPick={(timestep) => pick(props, timestep)}
      flags={flagsOf(index.events)}
    />
  );
}

/** The last round stays the latest one, whatever comes. */
function pick(props: Shown, timestep: number): void {
  props.change({ timestep: timestep === props.index.timesteps[latestDrawn(props.index)] ? null : timestep });
}

/** A canvas takes no variables. */
function withInk(series: Series[]): Series[] {
  const ink = getComputedStyle(document.documentElement).getPropertyValue("--ink").trim();
  return series.map((each) => (each.colour === "var(--ink)" ? { ...each, colour: ink } : each));
}

function elementsOf(
  index: Index, elements: string[], outside: string[], scope: string, kind: string, share: boolean,
): string[] {
  const wanted = share ? elements : [...elements, ...outside];
  return wanted.filter((name) => index.values[`${scope}/${kind}/${name}`]?.some((v) => v !== null));
}

function nothing(frames: string, index: Index, scope: string): string {
  if (frames === "probe") return "This run has no fixed probe: its rounds explain the agent's own play only.";
  return index.values[`${scope}/entropy`]
    ? "This game has no elements, so there are no shares; give the monitor elements of your own."
    : "No round here has explained this target.";
}

export function flagsOf(events: readonly RunEvent[]): Flag[] {
  const flags = new Map<number, Flag>();
  for (const event of events) {
    const known = flags.get(event.timestep);
    const title = known ? `${known.title} · ${event.text}` : event.text;
    flags.set(event.timestep, {
      timestep: event.timestep,
      title,
      kind: known?.kind ?? event.kind,
      count: (known?.count ?? 0) + 1,
    });
  }
  return [...flags.values()];
}

/** One curve, of all chosen runs. */
function Beside(props: Shown & { scope: string }) {
  const { view, change, scope } = props;
  const indexes = [...props.indexes.values()];
  const names = [...new Set(indexes.flatMap((index) => Object.keys(index.values)))];
  const usual = [`${scope}/relative/${props.round.elements[0]}`, `${scope}/entropy`, SCORE];
  const curve = [view.curve, ...usual, ...names].find((name) => names.includes(name));
  if (!curve) return null;
  const timesteps = allTimesteps(indexes);
  const groups = fans(indexes, curve, timesteps, view.fan);
  const series: Series[] = [];
  const bands: [number, number, string][] = [];
  groups.forEach((group, i) => {
    const colour = seriesColour(i);
    series.push({ label: group.name, colour, values: group.mean });
    if (group.runs.length > 1) {
      const edge = (values: Column): Series => ({ label: group.name, colour: `${colour}55`, width: 0.5, silent: true, values });
      series.push(edge(group.high), edge(group.low));
      bands.push([series.length - 2, series.length - 1, `${colour}33`]);
    }
  });
  return (
    <div class="beside">
      <div class="row">
        <Select label="Curve" options={sorted(names)} value={curve} onChange={(c) => change({ curve: c })} />
        {indexes.length > 1 && (
          <label class="check">
            <input type="checkbox" checked={view.fan} onChange={(e) => change({ fan: e.currentTarget.checked })} />
            Seeds as a fan
          </label>
        )}
      </div>
      <Chart
        label={`${curve} of ${indexes.length} runs over timesteps`}
        timesteps={timesteps}
        series={series}
        fans={bands}
        height={150}
        format={brief}
        theme={props.theme}
        marked={props.round.timestep}
        onPick={(timestep) => pick(props, nearestOf(props.index.timesteps, timestep))}
      />
    </div>
  );
}

const nearestOf = (timesteps: number[], wanted: number): number =>
  timesteps.reduce((best, t) => (Math.abs(t - wanted) < Math.abs(best - wanted) ? t : best), timesteps[0] ?? wanted);

const sorted = (names: string[]): [string, string][] =>
  [...names].sort().map((name) => [name, name.replaceAll("/", " / ").replaceAll("_", " ")]);
