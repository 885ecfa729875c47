// (c) Strategies: the maps of a round's play on a plane, and each strategy's part of a training.

import type { ComponentChildren } from "preact";
import { useEffect, useRef, useState } from "preact/hooks";
import { Chart, type Series } from "./chart";
import { elementColours, seriesColour } from "./colour";
import { gridOf } from "./compose";
import { stacked } from "./curves";
import { count, percent, type Cluster, type Header, type Index } from "./format";
import { usePicture, usePromise, type Shown } from "./hooks";
import { Note, Section, Swatch, Waiting } from "./parts";
import type { Layer, Picture } from "./picture";
import { Screen } from "./screen";
import type { View } from "./view";

export function Strategies(props: Shown) {
  const { index, round, source } = props;
  const state = usePicture(source, index, "play", round.timestep);
  const picture = state && "value" in state && state.value.header.timestep === round.timestep ? state.value : null;
  const why = round.strategies?.not_enough;
  const found = picture?.header.strategies;
  return (
    <Section
      id="strategies"
      title="Strategies"
      aside={found && <span class="small">clusters of the maps of what it {found.target === "advantage" ? "decides by" : "values"} (SpRAy)</span>}
    >
      {why ? (
        <Note>No clusters in this round: {why}.</Note>
      ) : picture && found ? (
        <Clusters key={picture.address} {...props} picture={picture} />
      ) : picture ? (
        <Note>This round has no embedding of its maps.</Note>
      ) : index.parts.play?.[round.timestep] ? (
        <Waiting state={state} missing="Loading …" />
      ) : (
        <Note>There is no embedding of this round: it has no pictures here.</Note>
      )}
      <Occupancy {...props} />
    </Section>
  );
}

interface Frames {
  screen: Uint8Array;
  layer: Layer;
  /** One map a cluster; null in rounds of older monitors, and where there is nothing to explain. */
  mean: Layer | null;
  explanation: Layer | null;
}

function Clusters(props: Shown & { picture: Picture }) {
  const { picture, change, view } = props;
  const { header } = picture;
  const found = header.strategies!;
  const shown = found.points.flatMap((point, i) => (point ? [i] : []));
  const [hovered, setHovered] = useState<number | null>(null);
  const frames = usePromise(async (): Promise<Frames> => {
    const known = (name: string) => (picture.has(name) ? picture.layer(name) : null);
    const [screen, layer, mean, explanation] = await Promise.all([
      picture.array("screen"),
      picture.layer(`relevance/${found.target}`),
      known("strategies/mean"),
      known("strategies/explanation"),
    ]);
    return { screen, layer, mean, explanation };
  }, [picture]);
  const loaded = frames && "value" in frames ? frames.value : null;
  const play = (frame: number) => {
    change({ part: "play", frame, panels: view.panels });
    document.getElementById("player")?.scrollIntoView({ block: "nearest" });
  };
  const current = hovered ?? (view.part === "play" ? view.frame : shown[0] ?? 0);
  return (
    <div class="clusters">
      <Scatter
        header={header}
        shown={shown}
        current={current}
        theme={props.theme}
        onHover={setHovered}
        onPick={play}
      />
      <div class="preview">
        {loaded ? (
          <Screen header={header} screen={loaded.screen} elements={null} grid={gridOf(loaded.layer, current)} frame={current} look={view} label={pointText(header, current)} zoom={2} />
        ) : (
          <div class="screen empty" />
        )}
        <p class="small" aria-live="polite">{pointText(header, current)}</p>
      </div>
      <ul class="cluster-list">
        {found.clusters.map((cluster, place) => (
          <ClusterItem key={cluster.id} cluster={cluster} header={header} onPlay={play}>
            {loaded && <ClusterMaps place={place} cluster={cluster} header={header} frames={loaded} look={view} />}
          </ClusterItem>
        ))}
      </ul>
    </div>
  );
}

function pointText(header: Header, frame: number): string {
  const found = header.strategies!;
  const cluster = found.clusters[found.labels[frame] ?? -1];
  return `${cluster ? `${cluster.id}: ${cluster.name}` : "no strategy"} · step ${count(header.step[frame] ?? 0)} · score ${header.score[frame] ?? 0}`;
}

/** A strategy's mean map, and what puts its most typical frame into it, over that frame. */
function ClusterMaps(props: { place: number; cluster: Cluster; header: Header; frames: Frames; look: View }) {
  const { place, cluster, header, frames } = props;
  const look = { ...props.look, sign: "both" as const, outlines: false };
  const name = `${cluster.id}: ${cluster.name}`;
  const shown = [
    { layer: frames.mean, title: "Mean map", label: `Mean map of strategy ${name}` },
    { layer: frames.explanation, title: "Why it is here", label: `What puts frame ${cluster.typical[0]! + 1} into strategy ${name}` },
  ];
  return (
    <span class="cluster-maps">
      {shown.map(
        ({ layer, title, label }) =>
          layer && (
            <span key={title} class="small">
              {title}
              <Screen header={header} screen={frames.screen} elements={null} grid={gridOf(layer, place)} frame={cluster.typical[0]!} look={look} label={label} zoom={1} />
            </span>
          ),
      )}
    </span>
  );
}

function ClusterItem(props: { cluster: Cluster; header: Header; onPlay: (frame: number) => void; children: ComponentChildren }) {
  const { cluster, header } = props;
  const profile = Object.entries(cluster.profile);
  const colours = elementColours(header.elements);
  return (
    <li>
      <Swatch colour={seriesColour(cluster.id)} />
      <b>
        {cluster.id}: {cluster.name}
      </b>{" "}
      <span class="number">{percent(cluster.occupancy)}</span> of the frames
      {profile.length > 0 && (
        <span class="stack-bar" role="img" aria-label={profile.map(([n, v]) => `${n} ${percent(v)}`).join(", ")}>
          {profile.map(([name, part]) => (
            <i key={name} title={`${name} ${percent(part)}`} style={{ width: `${100 * part}%`, background: colours[name] }} />
          ))}
        </span>
      )}
      {props.children}
      <span class="small">
        {cluster.in_pixels && "The raw frames give this cluster as well: it says little of the agent. "}
        Typical:{" "}
        {cluster.typical.map((frame, i) => (
          <button key={frame} type="button" class="link" onClick={() => props.onPlay(frame)}>
            frame {frame + 1}
            {i < cluster.typical.length - 1 ? "," : ""}
          </button>
        ))}
        {cluster.agreement != null &&
          ` Why it is here: red is what sets frame ${cluster.typical[0]! + 1} apart from the nearest other strategy, relevance or its lack; k-means puts ${percent(cluster.agreement)} of these frames here too.`}
      </span>
    </li>
  );
}

const SIZE = 280;
const MARGIN = 12;

/** Where a point is on the canvas. */
export function place(points: (readonly [number, number] | null)[], size = SIZE): ([number, number] | null)[] {
  const known = points.filter((p) => p !== null);
  const axis = (k: 0 | 1) => {
    const values = known.map((p) => p[k]);
    const [low, high] = [Math.min(...values), Math.max(...values)];
    return (v: number) => MARGIN + ((v - low) / (high - low || 1)) * (size - 2 * MARGIN);
  };
  const [x, y] = [axis(0), axis(1)];
  return points.map((p) => p && [x(p[0]), y(p[1])]);
}

function Scatter(props: {
  header: Header;
  shown: number[];
  current: number;
  theme: string;
  onHover: (frame: number | null) => void;
  onPick: (frame: number) => void;
}) {
  const { header, shown, current } = props;
  const canvas = useRef<HTMLCanvasElement>(null);
  const found = header.strategies!;
  const places = place(found.points);
  useEffect(() => {
    const context = canvas.current?.getContext("2d");
    if (!context) return;
    const ratio = devicePixelRatio;
    context.setTransform(ratio, 0, 0, ratio, 0, 0);
    context.clearRect(0, 0, SIZE, SIZE);
    const style = getComputedStyle(document.documentElement);
    for (const frame of shown) {
      const [x, y] = places[frame]!;
      context.beginPath();
      context.arc(x, y, frame === current ? 6.5 : 4, 0, 2 * Math.PI);
      context.fillStyle = seriesColour(found.clusters[found.labels[frame]!]?.id ?? 0);
      context.fill();
      context.lineWidth = frame === current ? 2 : 0.75;
      context.strokeStyle = style.getPropertyValue(frame === current ? "--ink" : "--card");
      context.stroke();
    }
  }, [header, current, props.theme]);
  const near = (event: MouseEvent): number | null => {
    const box = canvas.current!.getBoundingClientRect();
    const [x, y] = [event.clientX - box.left, event.clientY - box.top].map((v) => (v * SIZE) / box.width) as [number, number];
    const distance = (frame: number) => Math.hypot(places[frame]![0] - x, places[frame]![1] - y);
    const best = shown.reduce<number | null>((b, f) => (b === null || distance(f) < distance(b) ? f : b), null);
    return best !== null && distance(best) < 24 ? best : null;
  };
  const onKeyDown = (event: KeyboardEvent) => {
    const by = { ArrowLeft: -1, ArrowUp: -1, ArrowRight: 1, ArrowDown: 1 }[event.key];
    if (by) {
      const next = shown[(shown.indexOf(current) + by + shown.length) % shown.length];
      props.onHover(next ?? null);
    } else if (event.key === "Enter" || event.key === " ") props.onPick(current);
    else return;
    event.preventDefault();
    event.stopPropagation();
  };
  const ratio = typeof devicePixelRatio === "number" ? devicePixelRatio : 1;
  return (
    <canvas
      ref={canvas}
      class="scatter"
      width={SIZE * ratio}
      height={SIZE * ratio}
      role="listbox"
      tabIndex={0}
      aria-label={`Maps of ${shown.length} frames on a plane, alike ones near each other; arrow keys move, Enter shows the frame`}
      onMouseMove={(e) => props.onHover(near(e))}
      onMouseLeave={() => props.onHover(null)}
      onClick={(e) => {
        const frame = near(e);
        if (frame !== null) props.onPick(frame);
      }}
      onKeyDown={onKeyDown}
    />
  );
}

export function strategyNumbers(index: Index): number[] {
  const numbers = Object.keys(index.values).flatMap((name) => name.match(/^strategy\/cluster\/(\d+)$/)?.[1] ?? []);
  return numbers.map(Number).sort((a, b) => a - b);
}

function Occupancy(props: Shown) {
  const { index, round } = props;
  const numbers = strategyNumbers(index);
  if (!numbers.length) return null;
  const names: Record<string, string> = Object.assign({}, ...index.rounds.map((r) => r.strategies?.names ?? {}));
  const columns = numbers.map((n) => index.values[`strategy/cluster/${n}`]!);
  const drawn = stacked(columns);
  const series: Series[] = numbers.map((n, i) => ({
    label: `${n}: ${names[n] ?? "?"}`,
    colour: seriesColour(n),
    filled: true,
    values: drawn[i]!,
    said: columns[i]!,
  }));
  return (
    <>
      <h3>Part of the frames over training</h3>
      <Chart
        label="Part of the frames in each strategy over timesteps"
        timesteps={index.timesteps}
        series={series}
        height={120}
        format={percent}
        range={[0, 1]}
        theme={props.theme}
        marked={round.timestep}
        onPick={(timestep) => props.change({ timestep })}
      />
    </>
  );
}

