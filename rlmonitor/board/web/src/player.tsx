// (b) The clip of a round: play, scrub, step; what the frame holds stands beside it.

import { useEffect, useRef, useState } from "preact/hooks";
import { elementColours, MAPS } from "./colour";
import { gridOf, type Sign } from "./compose";
import { brief, count, percent, question, type Header, type Part } from "./format";
import { usePicture, usePromise, type Shown } from "./hooks";
import { Bar, Choice, Note, Range, Section, Select, Swatch, Waiting } from "./parts";
import type { Layer, Picture } from "./picture";
import { Screen } from "./screen";
import { nearest } from "./curves";

const PART_NAMES: Record<Part, string> = {
  clip: "Clip of its play",
  probe: "Fixed probe",
  play: "Spread over its play",
};

/** `settled` is called when the first picture is drawn, or when it is known that there is none. */
export function Player(props: Shown & { settled: () => void }) {
  const { view, change, index, round } = props;
  const available = (Object.keys(PART_NAMES) as Part[]).filter((part) => Object.keys(index.parts[part] ?? {}).length);
  const part = available.includes(view.part) ? view.part : available[0] ?? "clip";
  const picture = usePicture(props.source, index, part, round.timestep);
  const shown = picture && "value" in picture && picture.value.header.timestep === round.timestep ? picture.value : null;
  const nothing = !index.parts[part]?.[String(round.timestep)] || (picture && "error" in picture);
  useEffect(() => {
    if (nothing) props.settled();
  }, [nothing]);
  return (
    <Section
      id="player"
      title={`Round at ${count(round.timestep)} timesteps`}
      aside={
        <Choice
          label="Show"
          options={available.map((each) => [each, PART_NAMES[each]] as const)}
          value={part}
          onChange={(each) => change({ part: each, frame: 0 })}
        />
      }
    >
      {shown ? (
        <Clip key={shown.address} {...props} picture={shown} />
      ) : (
        <Absent {...props} part={part} state={picture} />
      )}
    </Section>
  );
}

function Absent(props: Shown & { part: Part; state: ReturnType<typeof usePicture> }) {
  const steps = Object.keys(props.index.parts[props.part] ?? {}).map(Number);
  if (steps.includes(props.round.timestep)) return <Waiting state={props.state} missing="Loading …" />;
  const near = steps[nearest(steps, props.round.timestep)];
  if (near === undefined) {
    return <Note>This run has no pictures: its event file holds numbers only, or ends before the first picture.</Note>;
  }
  return (
    <Note>
      There are no pictures of this round;
      {` ${steps.length} of ${props.index.timesteps.length} rounds have some here.`}{" "}
      <button type="button" onClick={() => props.change({ timestep: near })}>
        Go to the nearest one, at {count(near)}
      </button>
    </Note>
  );
}

const FRAME_TIME: Record<Part, number> = { clip: 70, probe: 350, play: 350 };

function Clip(props: Shown & { picture: Picture; settled: () => void }) {
  const { view, change, picture } = props;
  const { header } = picture;
  const [playing, setPlaying] = useState(false);
  const last = header.frames - 1;
  const frame = Math.min(view.frame, last);
  const targets = picture.targets;
  const panels = view.panels === "both" ? targets.slice(0, 2) : [targets.includes(props.target) ? props.target : targets[0]!];
  const stack = view.stack !== null && panels.some((t) => picture.has(`stack/${t}`)) ? view.stack : null;
  const loaded = useLayers(picture, panels, stack !== null);
  const drawn = "value" in loaded || loaded.error !== null || header.frames === 0;
  useEffect(() => {
    if (drawn) props.settled();
  }, [drawn]);
  const go = (to: number) => change({ frame: Math.min(Math.max(to, 0), last) });
  const state = useRef({ frame, last });
  state.current = { frame, last };

  useEffect(() => {
    if (!playing) return undefined;
    const timer = setInterval(() => {
      const now = state.current;
      change({ frame: now.frame >= now.last ? 0 : now.frame + 1 });
    }, FRAME_TIME[header.part]);
    return () => clearInterval(timer);
  }, [playing]);
  useKeys((key) => {
    if (key === " ") setPlaying((now) => !now);
    else if (key === "ArrowLeft") go(state.current.frame - 1);
    else if (key === "ArrowRight") go(state.current.frame + 1);
    else if (key === "Home") go(0);
    else if (key === "End") go(last);
    else return false;
    return true;
  });

  const facts = caption(header, frame);
  if (header.frames === 0) return <Note>This round has a clip without frames.</Note>;
  return (
    <div class="player" role="group" aria-label="Clip: space plays, arrow keys step">
      <div class="stage">
        <div class="panels" tabIndex={0} aria-label={`Frame ${frame + 1} of ${header.frames}. ${facts}`}>
          {panels.map((target) => (
            <figure key={target}>
              {"value" in loaded ? (
                <Screen
                  header={header}
                  screen={loaded.value.screen}
                  elements={loaded.value.elements}
                  grid={layerGrid(loaded.value.layers[target], frame, stack)}
                  frame={frame}
                  look={view}
                  label={`Screen with the relevance for ${question(target, header.logits)[1]}, frame ${frame + 1}`}
                />
              ) : (
                <div class="screen empty" style={{ aspectRatio: `${header.screen[1]} / ${header.screen[0]}` }}>
                  {loaded.error ?? "Loading …"}
                </div>
              )}
              <figcaption>
                <b>{question(target, header.logits)[0]}</b> {question(target, header.logits)[1]}
              </figcaption>
            </figure>
          ))}
        </div>
        <div class="transport">
          <button type="button" class="play" aria-label={playing ? "Pause" : "Play"} aria-pressed={playing} onClick={() => setPlaying(!playing)}>
            {playing ? "❚❚" : "▶"}
          </button>
          <button type="button" aria-label="Frame before" onClick={() => go(frame - 1)}>‹</button>
          <button type="button" aria-label="Next frame" onClick={() => go(frame + 1)}>›</button>
          <Range label="Frame" value={frame} max={last} text={`${frame + 1} / ${header.frames}`} onChange={go} />
        </div>
        <p class="caption" aria-live={playing ? "off" : "polite"}>{facts}</p>
      </div>
      <div class="facts">
        <Looks {...props} picture={picture} stack={stack} />
        <Outputs header={header} frame={frame} />
        <Shares header={header} frame={frame} targets={targets} />
      </div>
    </div>
  );
}

function layerGrid(layer: Layer | undefined, frame: number, stack: number | null) {
  if (!layer) return null;
  return gridOf(layer, frame, layer.shape.length > 3 ? Math.min(stack ?? 0, layer.shape[1]! - 1) : 0);
}

interface Layers {
  screen: Uint8Array;
  elements: Uint8Array | null;
  layers: Record<string, Layer>;
}

/** What is needed to draw; the arrays of the stack only when they are asked for. */
function useLayers(picture: Picture, panels: string[], stack: boolean): { value: Layers } | { error: string | null } {
  const names = panels.map((target) => (stack && picture.has(`stack/${target}`) ? "stack/" : "relevance/") + target);
  const state = usePromise(async (): Promise<Layers> => {
    const [screen, elements, ...layers] = await Promise.all([
      picture.array("screen"),
      picture.has("elements") ? picture.array("elements") : null,
      ...names.map((name) => picture.layer(name)),
    ]);
    return { screen: screen!, elements, layers: Object.fromEntries(panels.map((t, i) => [t, layers[i]!])) };
  }, [picture, names.join()]);
  if (state && "value" in state) return state;
  return { error: state ? state.error : null };
}

/** Keys for the clip, unless they are meant for something that takes keys itself. */
function useKeys(act: (key: string) => boolean): void {
  const latest = useRef(act);
  latest.current = act;
  useEffect(() => {
    const onKey = (event: KeyboardEvent) => {
      const taken = (event.target as HTMLElement).closest?.("input, select, button, summary, [role=slider], [role=listbox]");
      if (taken || event.ctrlKey || event.metaKey || event.altKey) return;
      if (latest.current(event.key)) event.preventDefault();
    };
    window.addEventListener("keydown", onKey);
    return () => window.removeEventListener("keydown", onKey);
  }, []);
}

export function caption(header: Header, frame: number): string {
  const outputs = header.outputs[frame] ?? [];
  const greedy = outputs.indexOf(Math.max(...outputs));
  const taken = header.action[frame];
  const explored = taken !== undefined && taken !== greedy && header.part !== "probe";
  return [
    header.captions?.[frame],
    `score ${brief(header.score[frame] ?? 0)}`,
    `greedy ${header.actions[greedy] ?? "–"}`,
    explored ? `explored ${header.actions[taken]}` : null,
  ].filter(Boolean).join(" · ");
}

function Looks(props: Shown & { picture: Picture; stack: number | null }) {
  const { view, change, picture } = props;
  const frames = picture.header.arrays.find((each) => each.name.startsWith("stack/"))?.shape[1] ?? 0;
  const signs: [Sign, string][] = [["both", "Both"], ["for", "For"], ["against", "Against"]];
  const ages = Array.from({ length: frames }, (_, i): [string, string] => [`${i}`, i === frames - 1 ? "t" : `t−${frames - 1 - i}`]);
  return (
    <div class="looks">
      <Range label="Overlay" value={view.opacity} max={1} step={0.05} text={`${Math.round(100 * view.opacity)} %`} onChange={(opacity) => change({ opacity })} />
      <Choice label="Sign" options={signs} value={view.sign} onChange={(sign) => change({ sign })} />
      {picture.targets.length > 1 && (
        <Choice label="Panels" options={[["both", "Both questions"], ["one", "One"]]} value={view.panels} onChange={(panels) => change({ panels })} />
      )}
      {frames > 0 && (
        <Choice
          label="Stack"
          options={[["all", "All"], ...ages]}
          value={props.stack === null ? "all" : `${props.stack}`}
          onChange={(each) => change({ stack: each === "all" ? null : Number(each) })}
        />
      )}
      <Select label="Colours" options={Object.entries(MAPS).map(([k, m]) => [k, m.name])} value={view.map} onChange={(map) => change({ map })} />
      <label class="check">
        <input type="checkbox" checked={view.outlines} onChange={(e) => change({ outlines: e.currentTarget.checked })} />
        Outlines
      </label>
    </div>
  );
}

function Outputs(props: { header: Header; frame: number }) {
  const { header, frame } = props;
  const row = header.outputs[frame] ?? [];
  const mean = row.reduce((a, b) => a + b, 0) / (row.length || 1);
  const most = Math.max(...header.outputs.flatMap((each) => {
    const own = each.reduce((a, b) => a + b, 0) / (each.length || 1);
    return each.map((v) => Math.abs(v - own));
  }), 1e-9);
  const name = header.logits ? "Logit" : "Q-value";
  const greedy = row.indexOf(Math.max(...row));
  return (
    <table class="bars">
      <caption>{name}s; bars: less their mean</caption>
      <tbody>
        {row.map((value, action) => (
          <tr key={action} class={action === greedy ? "strong" : ""}>
            <th scope="row">
              {header.actions[action]}
              {action === greedy && <abbr title="greedy"> ●</abbr>}
              {action === header.action[frame] && action !== greedy && header.part !== "probe" && <abbr title="taken"> ○</abbr>}
            </th>
            <td class="number">{brief(value)}</td>
            <td><Bar value={value - mean} low={-most} high={most} colour={value >= mean ? "var(--pro)" : "var(--contra)"} /></td>
            <td class="number">{value - mean >= 0 ? "+" : ""}{brief(value - mean)}</td>
          </tr>
        ))}
      </tbody>
    </table>
  );
}

function Shares(props: { header: Header; frame: number; targets: string[] }) {
  const { header, frame } = props;
  const targets = props.targets.filter((t) => header.shares[t] && Object.keys(header.shares[t]).length);
  const colours = elementColours(header.elements);
  const stack = targets.filter((t) => (header.frame_share[t]?.[frame]?.length ?? 0) > 1);
  return (
    <>
      {targets.length > 0 && (
        <table class="bars">
          <caption>Share of the relevance in this frame</caption>
          <thead>
            <tr><td />{targets.map((t) => <th key={t} scope="col" colSpan={2}>{question(t, header.logits)[0]}</th>)}</tr>
          </thead>
          <tbody>
            {header.elements.map((name) => (
              <tr key={name}>
                <th scope="row"><Swatch colour={colours[name]!} />{name}</th>
                {targets.map((t) => {
                  const value = header.shares[t]![name]?.[frame] ?? 0;
                  return [
                    <td key="bar"><Bar value={value} low={0} high={1} colour={colours[name]!} /></td>,
                    <td key="number" class="number">{percent(value)}</td>,
                  ];
                })}
              </tr>
            ))}
          </tbody>
        </table>
      )}
      {stack.length > 0 && (
        <p class="small">
          Frames of the stack, oldest first:{" "}
          {stack.map((t) => `${question(t, header.logits)[0].toLowerCase()} ${header.frame_share[t]![frame]!.map(percent).join(", ")}`).join(" · ")}
        </p>
      )}
    </>
  );
}
