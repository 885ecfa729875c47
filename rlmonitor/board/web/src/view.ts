// What is shown, as part of the address: a view can be sent to a colleague.

import { MAPS } from "./colour";
import type { Sign } from "./compose";
import { PARTS, type Part } from "./format";

export interface View {
  /** The run that is looked at; empty for the first one. */
  run: string;
  /** Runs beside it in the charts; `*` is all. */
  beside: string[];
  /** The timestep that is looked at; null follows the latest that has pictures. */
  timestep: number | null;
  target: string;
  measure: "share" | "relative";
  frames: "play" | "probe";
  part: Part;
  frame: number;
  panels: "one" | "both";
  opacity: number;
  map: string;
  sign: Sign;
  /** A frame of the stack, 0 is the oldest; null is all of them. */
  stack: number | null;
  outlines: boolean;
  curve: string;
  fan: boolean;
  /** What is compared with. */
  otherRun: string;
  otherTimestep: number | null;
  probeFrame: number;
}

export const DEFAULT: View = {
  run: "",
  beside: [],
  timestep: null,
  target: "",
  measure: "share",
  frames: "play",
  part: "clip",
  frame: 0,
  panels: "both",
  opacity: 0.9,
  map: "red-blue",
  sign: "both",
  stack: null,
  outlines: true,
  curve: "",
  fan: true,
  otherRun: "",
  otherTimestep: null,
  probeFrame: 0,
};

type Text = string | null;
const whole = (text: Text): number | null => (text !== null && /^\d+$/.test(text) ? +text : null);
const oneOf = <T extends string>(text: Text, known: readonly T[], otherwise: T): T =>
  known.includes(text as T) ? (text as T) : otherwise;

export function readView(query: string): View {
  const given = new URLSearchParams(query);
  const get = (name: string): Text => given.get(name);
  const opacity = Number(get("opacity") ?? DEFAULT.opacity);
  return {
    run: get("run") ?? DEFAULT.run,
    beside: given.getAll("beside"),
    timestep: whole(get("timestep")),
    target: get("target") ?? DEFAULT.target,
    measure: oneOf(get("measure"), ["share", "relative"], DEFAULT.measure),
    frames: oneOf(get("frames"), ["play", "probe"], DEFAULT.frames),
    part: oneOf(get("part"), PARTS, DEFAULT.part),
    frame: whole(get("frame")) ?? 0,
    panels: oneOf(get("panels"), ["one", "both"], DEFAULT.panels),
    opacity: opacity >= 0 && opacity <= 1 ? opacity : DEFAULT.opacity,
    map: oneOf(get("map"), Object.keys(MAPS), DEFAULT.map),
    sign: oneOf(get("sign"), ["both", "for", "against"], DEFAULT.sign),
    stack: whole(get("stack")),
    outlines: get("outlines") !== "false",
    curve: get("curve") ?? DEFAULT.curve,
    fan: get("fan") !== "false",
    otherRun: get("otherRun") ?? DEFAULT.otherRun,
    otherTimestep: whole(get("otherTimestep")),
    probeFrame: whole(get("probeFrame")) ?? 0,
  };
}

/** Only what differs from the default. */
export function writeView(view: View): string {
  const query = new URLSearchParams();
  for (const [name, value] of Object.entries(view)) {
    if (Array.isArray(value)) value.forEach((each) => query.append(name, each));
    else if (value !== null && value !== DEFAULT[name as keyof View]) query.set(name, `${value}`);
  }
  return query.toString();
}

// TensorBoard keeps what begins with `p.<plugin>.` in the fragment of its own address.
const IN_HOST = "p.rlmonitor.view";

/** TensorBoard's window, null where this page stands alone. */
export function host(): Window | null {
  try {
    return window.parent !== window && window.parent.location.href ? window.parent : null;
  } catch {
    return null;
  }
}

export function readAddress(): View {
  const outer = host();
  if (!outer) return readView(location.hash.slice(1));
  const parts = outer.location.hash.slice(1).split("&");
  const own = parts.find((part) => part.startsWith(`${IN_HOST}=`));
  return readView(own ? decodeURIComponent(own.slice(IN_HOST.length + 1)) : "");
}

export function writeAddress(view: View): void {
  const query = writeView(view);
  const outer = host();
  if (!outer) {
    // the whole path: the page may have a <base>
    history.replaceState(null, "", location.pathname + location.search + (query && `#${query}`));
    return;
  }
  const others = outer.location.hash.slice(1).split("&").filter((p) => !p.startsWith(IN_HOST));
  if (others[0] !== "rlmonitor") return; // another tab is open
  const own = query ? [`${IN_HOST}=${encodeURIComponent(query)}`] : [];
  outer.history.replaceState(outer.history.state, "", `#${[...others, ...own].join("&")}`);
}
