// (e) events, (f) how far to believe the maps, (g) how they were made.

import { brief, count, question, type How, type Index } from "./format";
import type { Shown } from "./hooks";
import { nearest } from "./curves";
import { Note, Section } from "./parts";
import { MEASURES, verdict, type Light, type Verdict } from "./trust";

const LIGHTS: Record<Light, string> = { green: "●", amber: "▲", red: "■", grey: "○" };

export function LightSign(props: { light: Light }) {
  return (
    <span class={`light ${props.light}`} role="img" aria-label={props.light}>
      {LIGHTS[props.light]}
    </span>
  );
}

export function Events(props: Shown) {
  const { index, change, round } = props;
  const events = [...index.events].sort((a, b) => b.timestep - a.timestep);
  const open = (timestep: number) => {
    const near = index.timesteps[nearest(index.timesteps, timestep)];
    if (near !== undefined) change({ timestep: near, frame: 0 });
    document.getElementById("player")?.scrollIntoView({ block: "nearest" });
  };
  return (
    <Section id="events" title="Events" aside={<span class="small">{events.length || "none"} so far</span>}>
      {!events.length && <Note>Nothing has begun or gone wrong so far: no onset, shift, shortcut, collapse, exploit or fault.</Note>}
      <ol class="events" tabIndex={events.length > 6 ? 0 : -1} aria-label="Events, the latest first">
        {events.map((event, i) => (
          <li key={`${event.timestep}${event.kind}${i}`} class={event.timestep === round.timestep ? "current" : ""}>
            <button type="button" class="link" onClick={() => open(event.timestep)} aria-label={`Go to timestep ${count(event.timestep)}`}>
              {count(event.timestep)}
            </button>
            <span class={`kind ${event.kind}`}>{event.kind}</span>
            <span>
              {event.text}
              <Evidence evidence={event.evidence} />
            </span>
          </li>
        ))}
      </ol>
    </Section>
  );
}

function Evidence(props: { evidence: Record<string, number> }) {
  const numbers = Object.entries(props.evidence);
  if (!numbers.length) return null;
  return (
    <dl class="evidence">
      {numbers.map(([name, value]) => (
        <div key={name}>
          <dt>{name}</dt>
          <dd>{brief(value)}</dd>
        </div>
      ))}
    </dl>
  );
}

/** What is known of one target at one round. */
export function trustOf(index: Index, at: number, target: string): Verdict {
  const own = index.rounds[at]?.trust?.[target];
  if (own && Object.keys(own).length) return verdict(own);
  // a round from before targets were told apart: of all targets the one that does worst
  const whole = Object.entries(index.values).flatMap(([name, column]) => {
    const value = column[at];
    return name.startsWith("faithfulness/") && value !== null && value !== undefined
      ? [[name.slice("faithfulness/".length), value] as const]
      : [];
  });
  return verdict(Object.fromEntries(whole));
}

export function Trust(props: Shown) {
  const targets = Object.keys(props.round.targets);
  const found = targets.map((target) => trustOf(props.index, props.at, target));
  return (
    <Section id="trust" title="May these maps be believed?">
      {targets.map((target, i) => (
        <p key={target}>
          <LightSign light={found[i]!.light} /> <b>{question(target)[0]}:</b> {found[i]!.sentence}
        </p>
      ))}
      <table class="bars trust">
        <thead>
          <tr>
            <td />
            {targets.map((target) => <th key={target} scope="col">{question(target)[0]}</th>)}
            <th scope="col">green</th>
            <th scope="col">amber</th>
          </tr>
        </thead>
        <tbody>
          {MEASURES.map((measure, row) => (
            <tr key={measure.name}>
              <th scope="row">
                {measure.title}
                <span class="small">{measure.meaning}</span>
              </th>
              {found.map((each, i) => (
                <td key={targets[i]} class="number">
                  {each.judged[row]!.value === null ? "–" : brief(each.judged[row]!.value!)}{" "}
                  <LightSign light={each.judged[row]!.light} />
                </td>
              ))}
              <td class="number small">{measure.small ? "≤" : "≥"} {measure.green}</td>
              <td class="number small">{measure.small ? "≤" : "≥"} {measure.amber}</td>
            </tr>
          ))}
        </tbody>
      </table>
    </Section>
  );
}

/** How a round was made: told with the first round, and again where it changes. */
export function howAt(index: Index, at: number): How | undefined {
  return index.rounds.slice(0, at + 1).findLast((round) => round.how)?.how;
}

const HOW: Record<string, string> = {
  composite: "LRP composite",
  env_id: "Environment",
  seed: "Seed of the monitor",
  n_frames: "Frames of the statistics",
  clip_frames: "Frames of the clip",
  spacing: "Steps played for each frame",
  epsilon: "Chance of a random action",
  probe: "Probe",
  versions: "Versions",
};

const said = (value: unknown): string => {
  if (value === null || value === undefined || value === "") return "none";
  if (typeof value !== "object") return String(value);
  return Object.entries(value).map(([name, each]) => `${name} ${each}`).join(", ");
};

export function HowMade(props: Shown) {
  const how = howAt(props.index, props.at);
  const targets = Object.entries(props.round.targets);
  const composites = new Set(props.index.rounds.flatMap((r) => (r.how ? [said(r.how.composite)] : [])));
  return (
    <Section id="how" title="How it was made">
      <dl class="how">
        <div>
          <dt>Explained</dt>
          <dd>{targets.map(([target, scope]) => `${question(target)[1]} (${scope}/…)`).join(" and ") || "–"}</dd>
        </div>
        {Object.entries(how ?? {}).map(([name, value]) => (
          <div key={name}>
            <dt>{HOW[name] ?? name.replaceAll("_", " ")}</dt>
            <dd>{said(value)}</dd>
          </div>
        ))}
      </dl>
      {!how && <Note>These rounds do not say how they were made.</Note>}
      {composites.size > 1 && (
        <Note alert>The composite changes within this run ({[...composites].join(", ")}): never compare across composites.</Note>
      )}
    </Section>
  );
}
