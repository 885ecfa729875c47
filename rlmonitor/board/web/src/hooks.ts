import { useEffect, useLayoutEffect, useRef, useState } from "preact/hooks";
import type { Index, Part, Round, RunEntry } from "./format";
import { loadPicture, type Picture } from "./picture";
import type { Source } from "./source";
import { host, type View } from "./view";

export type Change = (change: Partial<View>) => void;

/** What every section of the page gets. */
export interface Shown {
  source: Source;
  view: View;
  change: Change;
  /** The run that is looked at. */
  index: Index;
  /** The round that is looked at, by its place in the index. */
  at: number;
  round: Round;
  target: string;
  runs: RunEntry[];
  /** Those of the runs that are shown. */
  indexes: Map<string, Index>;
  theme: string;
}

export type Loaded<T> = { value: T } | { error: string } | null;

/** The latest answer of a promise; an earlier one that comes late is dropped. */
export function usePromise<T>(make: () => Promise<T> | null, keys: unknown[]): Loaded<T> {
  const [state, setState] = useState<Loaded<T>>(null);
  // before the browser draws what came before: what is asked for is then under way
  useLayoutEffect(() => {
    let current = true;
    const promise = make();
    if (!promise) setState(null);
    promise?.then(
      (value) => current && setState({ value }),
      (error: Error) => current && setState({ error: error.message }),
    );
    return () => {
      current = false;
    };
  }, keys);
  return state;
}

/** A part of a round; null while it loads. */
export function usePicture(
  source: Source,
  index: Index | undefined,
  part: Part,
  timestep: number | undefined,
): Loaded<Picture> {
  const key = index?.parts[part]?.[String(timestep)];
  return usePromise(
    () => (index && key && timestep !== undefined ? loadPicture(source, index.run, part, timestep, key) : null),
    [source, index?.run, part, timestep, key],
  );
}

const darkQuery = () => window.matchMedia("(prefers-color-scheme: dark)");

function themeNow(): string {
  const body = host()?.document.body;
  const dark = body ? body.classList.contains("dark-mode") : darkQuery().matches;
  return dark ? "dark" : "light";
}

/** `light` or `dark`: TensorBoard's choice in its tab, else the system's; on paper it is light. */
export function useTheme(): string {
  const [theme, setTheme] = useState(themeNow);
  useEffect(() => {
    const look = () => setTheme(themeNow());
    const query = darkQuery();
    query.addEventListener("change", look);
    const body = host()?.document.body;
    const observer = new MutationObserver(look);
    if (body) observer.observe(body, { attributes: true, attributeFilter: ["class"] });
    const paper = () => setTheme("light");
    window.addEventListener("beforeprint", paper);
    window.addEventListener("afterprint", look);
    return () => {
      window.removeEventListener("beforeprint", paper);
      window.removeEventListener("afterprint", look);
      query.removeEventListener("change", look);
      observer.disconnect();
    };
  }, []);
  document.documentElement.dataset.theme = theme;
  return theme;
}

/** Call something every so many milliseconds while the page is seen. */
export function useInterval(action: () => void, milliseconds: number | null): void {
  const latest = useRef(action);
  latest.current = action;
  useEffect(() => {
    if (milliseconds === null) return undefined;
    const timer = setInterval(() => !document.hidden && latest.current(), milliseconds);
    return () => clearInterval(timer);
  }, [milliseconds]);
}

/** The width of an element, kept up to date. */
export function useWidth<E extends HTMLElement>(): [{ current: E | null }, number] {
  const element = useRef<E>(null);
  const [width, setWidth] = useState(0);
  useEffect(() => {
    const node = element.current;
    if (!node) return undefined;
    const look = () => setWidth(Math.floor(node.clientWidth));
    look();
    const observer = new ResizeObserver(look);
    observer.observe(node);
    return () => observer.disconnect();
  }, []);
  return [element, width];
}
