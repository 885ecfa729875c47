import { useCallback, useEffect, useLayoutEffect, useMemo, useRef, useState } from "preact/hooks";
import { Compare } from "./compare";
import { latestDrawn, nearest } from "./curves";
import { count, question, type Index, type RunEntry } from "./format";
import { useInterval, useTheme, type Shown } from "./hooks";
import { Note, Select } from "./parts";
import { fetchAhead } from "./picture";
import { Player } from "./player";
import { Events, HowMade, LightSign, Trust, trustOf } from "./sections";
import type { Source } from "./source";
import { Strategies } from "./strategies";
import { Timeline } from "./timeline";
import { readAddress, writeAddress, type View } from "./view";

const POLL = 5_000;

/** The view, kept in the address. */
function useView(): [View, (change: Partial<View>) => void] {
  const [view, setView] = useState(readAddress);
  const change = useCallback((part: Partial<View>) => setView((now) => ({ ...now, ...part })), []);
  useEffect(() => {
    // browsers take no more than a few changes a second
    const timer = setTimeout(() => writeAddress(view), 200);
    return () => clearTimeout(timer);
  }, [view]);
  useEffect(() => {
    const look = () => setView(readAddress());
    window.addEventListener("hashchange", look);
    return () => window.removeEventListener("hashchange", look);
  }, []);
  return [view, change];
}

/** The runs, asked for again and again, and the indexes of those that are shown. */
function useData(source: Source, wanted: (runs: RunEntry[]) => string[], arrived: (index: Index) => Promise<void>) {
  const [runs, setRuns] = useState<RunEntry[] | null>(null);
  const [indexes, setIndexes] = useState(new Map<string, Index>());
  const [problem, setProblem] = useState<string | null>(null);
  const stamps = useRef(new Map<string, string>());
  const busy = useRef(false);
  const names = runs ? wanted(runs) : [];
  const refresh = async () => {
    if (busy.current) return;
    busy.current = true;
    try {
      const found = await source.runs();
      setRuns(found);
      for (const { name, stamp } of found) {
        if (!wanted(found).includes(name) || stamps.current.get(name) === stamp) continue;
        const index = await source.index(name);
        stamps.current.set(name, stamp);
        await arrived(index);
        setIndexes((known) => new Map(known).set(name, index));
      }
      setProblem(null);
    } catch (error) {
      setProblem((error as Error).message);
    } finally {
      busy.current = false;
    }
  };
  useLayoutEffect(() => void refresh(), [names.join("\n")]);
  useInterval(refresh, source.live ? POLL : null);
  const shown = new Map(names.flatMap((name) => (indexes.has(name) ? [[name, indexes.get(name)!] as const] : [])));
  return { runs, indexes: shown, problem };
}

export function App(props: { source: Source }) {
  const { source } = props;
  const theme = useTheme();
  const [view, change] = useView();
  const wanted = useCallback(
    (runs: RunEntry[]) => {
      const names = runs.map((run) => run.name);
      const own = names.includes(view.run) ? view.run : names[0];
      const beside = view.beside.includes("*") ? names : names.filter((name) => view.beside.includes(name));
      const other = names.includes(view.otherRun) ? [view.otherRun] : [];
      return [...new Set([...(own ? [own] : []), ...beside, ...other])];
    },
    [view.run, view.beside, view.otherRun],
  );
  const first = useRef(true);
  // The first picture is asked for before the charts keep the browser busy
  const arrived = async (own: Index) => {
    const timestep = own.timesteps[placeOf(own, view)];
    if (!first.current || timestep === undefined) return;
    first.current = false;
    const asked = fetchAhead(source, own, view.part, timestep, 2).catch(() => {});
    await Promise.race([asked, new Promise((later) => setTimeout(later, 100))]);
  };
  const { runs, indexes, problem } = useData(source, wanted, arrived);
  const index = [...indexes.values()].find((each) => each.run === view.run) ?? indexes.get(runs?.[0]?.name ?? "");
  return (
    <main>
      <Top runs={runs ?? []} index={index} view={view} change={change} live={source.live} />
      {problem && <Note alert>{problem}{index ? " What is shown came before." : ""}</Note>}
      {view.run && runs && !runs.some((run) => run.name === view.run) && (
        <Note alert>There is no run {view.run} here{runs.length ? "; shown is the first one" : ""}.</Note>
      )}
      <Body source={source} theme={theme} view={view} change={change} runs={runs} index={index} indexes={indexes} problem={problem} />
    </main>
  );
}

/** The round that is looked at, by its place in the index; −1 where there is none. */
function placeOf(index: Index, view: View): number {
  return view.timestep === null ? latestDrawn(index) : nearest(index.timesteps, view.timestep);
}

type BodyProps = Pick<Shown, "source" | "theme" | "view" | "change" | "indexes"> & {
  runs: RunEntry[] | null;
  index: Index | undefined;
  problem: string | null;
};

function Body(props: BodyProps) {
  const { runs, index, view } = props;
  if (!runs) return props.problem ? null : <Note>Loading …</Note>;
  if (!runs.length) {
    return (
      <Note>
        No run here has data for this page. A training with rlmonitor's StrategyMonitorCallback writes them beside its
        curves; a run of an older rlmonitor has curves and clips in the other tabs.
      </Note>
    );
  }
  if (!index) return props.problem ? null : <Note>Loading …</Note>;
  const at = placeOf(index, view);
  const round = index.rounds[at];
  if (!round) {
    return (
      <>
        <Note>Run {index.run} has no whole round so far. The first one comes when its monitor has played and explained.</Note>
        {index.problems.map((problem) => <Note key={problem} alert>{problem}</Note>)}
      </>
    );
  }
  const targets = Object.keys(round.targets);
  const target = targets.includes(view.target) ? view.target : targets.at(-1) ?? "";
  const shown: Shown = { ...props, runs, index, at, round, target };
  return <Sections {...shown} />;
}

/** All sections, those below after the first picture; with another frame of the clip only those that show it are drawn anew. */
function Sections(shown: Shown) {
  const { frame, ...rest } = shown.view;
  const [below, setBelow] = useState(false);
  // only once the browser has painted it
  const settled = useCallback(() => requestAnimationFrame(() => setTimeout(() => setBelow(true))), []);
  const known = [shown.source, shown.change, shown.index, shown.runs, shown.theme, JSON.stringify(rest), [...shown.indexes.values()].map(identity).join()];
  const timeline = useMemo(() => <Timeline {...shown} />, known);
  const strategies = useMemo(() => below && <Strategies {...shown} />, [...known, below, rest.part === "play" && frame]);
  const others = useMemo(
    () => below && (
      <>
        <Compare {...shown} />
        <Events {...shown} />
        <Trust {...shown} />
        <HowMade {...shown} />
      </>
    ),
    [...known, below],
  );
  return (
    <div class="grid">
      {timeline}
      <Player {...shown} settled={settled} />
      {strategies}
      {others}
    </div>
  );
}

/** A number for each object: the same for the same one. */
const numbers = new WeakMap<object, number>();
let latest = 0;
function identity(of: object): number {
  const number = numbers.get(of) ?? ++latest;
  numbers.set(of, number);
  return number;
}

function Top(props: {
  runs: RunEntry[];
  index: Index | undefined;
  view: View;
  change: (change: Partial<View>) => void;
  live: boolean;
}) {
  const { runs, index, view, change } = props;
  if (!index) return null;
  const at = placeOf(index, view);
  const round = index.rounds[at];
  const targets = Object.keys(round?.targets ?? {});
  const target = targets.includes(view.target) ? view.target : targets.at(-1);
  const verdict = target ? trustOf(index, at, target) : null;
  const all = view.beside.includes("*");
  const toggle = (name: string, on: boolean) => {
    const now = all ? runs.map((run) => run.name) : view.beside;
    change({ beside: on ? [...now, name] : now.filter((each) => each !== name) });
  };
  return (
    <div class="top" role="banner">
      <h1>Strategies</h1>
      <Select label="Run" options={runs.map(({ name }) => [name, name])} value={index.run} onChange={(run) => change({ run, timestep: null })} />
      {runs.length > 1 && (
        <details class="menu">
          <summary>Beside it: {all ? "all" : runs.filter((r) => view.beside.includes(r.name) && r.name !== index.run).length}</summary>
          <div>
            <label class="check">
              <input type="checkbox" checked={all} onChange={(e) => change({ beside: e.currentTarget.checked ? ["*"] : [] })} />
              All {runs.length} runs
            </label>
            {runs.filter(({ name }) => name !== index.run).map(({ name }) => (
              <label key={name} class="check">
                <input type="checkbox" checked={all || view.beside.includes(name)} onChange={(e) => toggle(name, e.currentTarget.checked)} />
                {name}
              </label>
            ))}
          </div>
        </details>
      )}
      <span class="when">
        {round && <>t = <b>{count(round.timestep)}</b></>}
        {props.live && (view.timestep === null ? (
          <span class="small"> · follows the latest pictures</span>
        ) : (
          <> <button type="button" onClick={() => change({ timestep: null })}>Latest</button></>
        ))}
      </span>
      {verdict && target && (
        <a class="trust-link" href="#trust" onClick={(e) => { e.preventDefault(); document.getElementById("trust")?.scrollIntoView(); }}>
          <LightSign light={verdict.light} /> <span>{question(target)[0]}: {verdict.sentence}</span>
        </a>
      )}
    </div>
  );
}
