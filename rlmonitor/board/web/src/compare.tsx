// (d) Two runs, or two timesteps, on the same frames, with the difference of their maps.

import { difference, gridOf, type Grid } from "./compose";
import { nearest } from "./curves";
import { count, percent, question, type Header, type Index } from "./format";
import { usePicture, usePromise, type Shown } from "./hooks";
import { Note, Range, Section, Select, Swatch } from "./parts";
import { elementColours } from "./colour";
import type { Layer, Picture } from "./picture";
import { Screen } from "./screen";

export function Compare(props: Shown) {
  const { view, change, index, round, source, indexes } = props;
  const other = indexes.get(view.otherRun) ?? [...indexes.values()].find((i) => i.run !== index.run) ?? index;
  const steps = probed(other);
  const wanted = view.otherTimestep ?? (other === index ? steps[0] : round.timestep);
  const timestep = steps[nearest(steps, wanted ?? 0)];
  const own = probed(index)[nearest(probed(index), round.timestep)];
  const left = usePicture(source, index, "probe", own);
  const right = usePicture(source, other, "probe", timestep);
  const pictures = [left, right].map((state) => (state && "value" in state ? state.value : null));
  const error = [left, right].flatMap((state) => (state && "error" in state ? [state.error] : []))[0];
  const [a, b] = pictures;
  return (
    <Section
      id="compare"
      title="Compare on the same frames"
      aside={
        <>
          <Select
            label="with run"
            options={props.runs.map(({ name }) => [name, name])}
            value={other.run}
            onChange={(otherRun) => change({ otherRun, otherTimestep: null })}
          />
          <Select
            label="at timestep"
            options={steps.map((step) => [`${step}`, count(step)])}
            value={`${timestep}`}
            onChange={(step) => change({ otherRun: other.run, otherTimestep: Number(step) })}
          />
        </>
      }
    >
      {own === undefined || timestep === undefined ? (
        <Note>{own === undefined ? index.run : other.run} has no pictures of a fixed probe, so there are no common frames.</Note>
      ) : error ? (
        <Note alert>{error}</Note>
      ) : a && b ? (
        <Pair key={a.address + b.address} {...props} a={a} b={b} other={other} />
      ) : (
        <Note>Loading …</Note>
      )}
    </Section>
  );
}

const probed = (index: Index): number[] => Object.keys(index.parts.probe ?? {}).map(Number).sort((a, b) => a - b);

interface Side {
  screen: Uint8Array;
  layer: Layer;
}

const side = async (picture: Picture, target: string): Promise<Side> => ({
  screen: await picture.array("screen"),
  layer: await picture.layer(`relevance/${target}`),
});

function Pair(props: Shown & { a: Picture; b: Picture; other: Index }) {
  const { a, b, view, change } = props;
  const target = a.targets.includes(props.target) && b.targets.includes(props.target) ? props.target : a.targets.find((t) => b.targets.includes(t));
  const state = usePromise(
    () => (target ? Promise.all([side(a, target), side(b, target)]) : null),
    [a, b, target],
  );
  if (!target) return <Note>These rounds explain nothing in common: {a.targets.join(", ")} and {b.targets.join(", ")}.</Note>;
  if (state && "error" in state) return <Note alert>{state.error}</Note>;
  if (!state) return <Note>Loading …</Note>;
  const [left, right] = state.value;
  if (!sameFrames(a.header, b.header, left.screen, right.screen)) {
    return <Note>The probes of these rounds have different frames, so their maps do not compare. Give both runs the same probe.</Note>;
  }
  const last = a.header.frames - 1;
  const frame = Math.min(view.probeFrame, last);
  const grids: [Grid, Grid] = [gridOf(left.layer, frame), gridOf(right.layer, frame)];
  const names = [`${props.index.run} at ${count(a.header.timestep)}`, `${props.other.run} at ${count(b.header.timestep)}`] as const;
  const screens: [string, string, Grid][] = [
    ["A", names[0], grids[0]],
    ["B", names[1], grids[1]],
    ["A − B", "of maps with sum 1, at the full colour where it is largest", difference(...grids)],
  ];
  return (
    <div class="pair">
      <div class="panels" role="group" aria-label="Two maps and their difference">
        {screens.map(([name, text, grid]) => (
          <figure key={name}>
            <Screen header={a.header} screen={left.screen} elements={null} grid={grid} frame={frame} look={view} label={`${name}: ${text}, ${question(target)[1]}`} zoom={2} />
            <figcaption>
              <b>{name}</b> {text}
            </figcaption>
          </figure>
        ))}
      </div>
      <div class="facts">
        <Range label="Frame" value={frame} max={last} text={`${frame + 1} / ${a.header.frames}`} onChange={(probeFrame) => change({ probeFrame })} />
        {a.header.captions && <p class="caption">{a.header.captions[frame]}</p>}
        <Table a={a.header} b={b.header} target={target} frame={frame} />
      </div>
    </div>
  );
}

export function sameFrames(a: Header, b: Header, left: Uint8Array, right: Uint8Array): boolean {
  if (a.frames !== b.frames || left.length !== right.length) return false;
  const colours = (header: Header) => header.palette.map((c) => (c[0] << 16) | (c[1] << 8) | c[2]);
  const [ofA, ofB] = [colours(a), colours(b)];
  return left.every((number, i) => ofA[number] === ofB[right[i]!]);
}

function Table(props: { a: Header; b: Header; target: string; frame: number }) {
  const { a, b, target, frame } = props;
  const [ofA, ofB] = [a.shares[target], b.shares[target]];
  if (!ofA || !ofB || !a.elements.length) return null;
  const colours = elementColours(a.elements);
  const mean = (values: number[] | undefined) => (values?.length ? values.reduce((x, y) => x + y, 0) / values.length : 0);
  const delta = (x: number, y: number) => `${x >= y ? "+" : "−"}${percent(Math.abs(x - y))}`;
  return (
    <table class="bars">
      <caption>Share of the relevance: {question(target)[0].toLowerCase()}</caption>
      <thead>
        <tr><td /><th scope="colgroup" colSpan={3}>this frame</th><th scope="colgroup" colSpan={3}>all {a.frames} frames</th></tr>
        <tr><td />{[0, 1].flatMap((k) => ["A", "B", "A − B"].map((n) => <th key={`${k}${n}`} scope="col">{n}</th>))}</tr>
      </thead>
      <tbody>
        {a.elements.map((name) => {
          const [x, y] = [ofA[name]?.[frame] ?? 0, ofB[name]?.[frame] ?? 0];
          const [u, v] = [mean(ofA[name]), mean(ofB[name])];
          return (
            <tr key={name}>
              <th scope="row"><Swatch colour={colours[name]!} />{name}</th>
              {[percent(x), percent(y), delta(x, y), percent(u), percent(v), delta(u, v)].map((text, i) => <td key={i} class="number">{text}</td>)}
            </tr>
          );
        })}
      </tbody>
    </table>
  );
}
