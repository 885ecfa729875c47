// Small pieces that sections share.

import { Component, type ComponentChildren } from "preact";
import type { Loaded } from "./hooks";

/** A section with a heading; a fault inside costs this section only. */
export function Section(props: {
  id: string;
  title: string;
  aside?: ComponentChildren;
  children: ComponentChildren;
}) {
  return (
    <section id={props.id} aria-labelledby={`${props.id}-title`}>
      <header>
        <h2 id={`${props.id}-title`}>{props.title}</h2>
        <div class="aside">{props.aside}</div>
      </header>
      <Guard>{props.children}</Guard>
    </section>
  );
}

class Guard extends Component<{ children: ComponentChildren }, { fault: string | null }> {
  override state = { fault: null as string | null };

  override componentDidCatch(error: Error) {
    this.setState({ fault: error.message });
  }

  override render() {
    if (this.state.fault === null) return this.props.children;
    return (
      <p class="note" role="alert">
        This part cannot be shown: {this.state.fault}.{" "}
        <button type="button" onClick={() => this.setState({ fault: null })}>
          Try again
        </button>
      </p>
    );
  }
}

export function Note(props: { children: ComponentChildren; alert?: boolean }) {
  return (
    <p class="note" role={props.alert ? "alert" : "status"}>
      {props.children}
    </p>
  );
}

/** What stands in place of something that is not there yet, or never. */
export function Waiting(props: { state: Loaded<unknown>; missing: ComponentChildren }) {
  if (props.state && "error" in props.state) return <Note alert>{props.state.error}</Note>;
  return <Note>{props.missing}</Note>;
}

/** One of a few, as a row of buttons. */
export function Choice<T extends string>(props: {
  label: string;
  options: readonly (readonly [T, string])[];
  value: T;
  onChange: (value: T) => void;
}) {
  return (
    <fieldset class="choice">
      <legend>{props.label}</legend>
      {props.options.map(([value, text]) => (
        <label key={value}>
          <input
            type="radio"
            name={props.label}
            checked={value === props.value}
            onChange={() => props.onChange(value)}
          />
          <span>{text}</span>
        </label>
      ))}
    </fieldset>
  );
}

export function Select(props: {
  label: string;
  options: readonly (readonly [string, string])[];
  value: string;
  onChange: (value: string) => void;
}) {
  return (
    <label class="select">
      <span>{props.label}</span>
      <select value={props.value} onChange={(e) => props.onChange(e.currentTarget.value)}>
        {props.options.map(([value, text]) => (
          <option key={value} value={value}>
            {text}
          </option>
        ))}
      </select>
    </label>
  );
}

export function Range(props: {
  label: string;
  value: number;
  max: number;
  step?: number;
  text: string;
  onChange: (value: number) => void;
}) {
  return (
    <label class="range">
      <span>{props.label}</span>
      <input
        type="range"
        min={0}
        max={props.max}
        step={props.step ?? 1}
        value={props.value}
        aria-valuetext={props.text}
        onInput={(e) => props.onChange(Number(e.currentTarget.value))}
      />
      <output>{props.text}</output>
    </label>
  );
}

export function Swatch(props: { colour: string }) {
  return <i class="swatch" style={{ background: props.colour }} aria-hidden="true" />;
}

/** A bar from zero to a value on an axis from `low` to `high`. */
export function Bar(props: { value: number; low: number; high: number; colour: string }) {
  const place = (v: number) => (100 * (v - props.low)) / (props.high - props.low || 1);
  const [from, to] = [place(0), place(props.value)].sort((a, b) => a - b) as [number, number];
  return (
    <span class="bar" aria-hidden="true">
      <i style={{ left: `${from}%`, width: `${Math.max(to - from, 0.5)}%`, background: props.colour }} />
      {props.low < 0 && <b style={{ left: `${place(0)}%` }} />}
    </span>
  );
}
