// Where data come from: TensorBoard, or the report that this page is.

import { checkFormat, Missing, type Index, type Part, type RunEntry } from "./format";

export interface Source {
  /** Whether there may be more later. */
  readonly live: boolean;
  runs(): Promise<RunEntry[]>;
  index(run: string): Promise<Index>;
  /** One byte string of a part; 0 is its header. */
  blob(run: string, part: Part, timestep: number, key: string, place: number): Promise<Uint8Array>;
}

async function ask(path: string, parameters: Record<string, string> = {}): Promise<Response> {
  const query = new URLSearchParams(parameters).toString();
  let response: Response;
  try {
    response = await fetch(query ? `${path}?${query}` : path);
  } catch {
    throw new Missing("TensorBoard does not answer. Is it still running?");
  }
  if (!response.ok) {
    const said = await response.json().catch(() => null);
    throw new Missing(said?.error ?? `TensorBoard answers ${response.status} to ${path}.`);
  }
  return response;
}

export const server: Source = {
  live: true,
  async runs() {
    return (await (await ask("runs")).json()).runs;
  },
  async index(run) {
    const index: Index = await (await ask("run", { run })).json();
    checkFormat(index.format, `Run ${run}`);
    return index;
  },
  async blob(run, part, timestep, key, place) {
    const asked = { run, part, timestep: String(timestep), key, i: String(place) };
    return new Uint8Array(await (await ask("part", asked)).arrayBuffer());
  },
};

export interface Embedded {
  runs: RunEntry[];
  indexes: Record<string, Index>;
  /** `partAddress` to its byte strings in base64. */
  parts: Record<string, string[]>;
}

export const partAddress = (run: string, part: Part, timestep: number): string =>
  JSON.stringify([run, part, timestep]);

export function embedded(data: Embedded): Source {
  return {
    live: false,
    async runs() {
      return data.runs;
    },
    async index(run) {
      const index = data.indexes[run];
      if (!index) throw new Missing(`This report has no run ${run}.`);
      checkFormat(index.format, `Run ${run}`);
      return index;
    },
    async blob(run, part, timestep, _key, place) {
      const text = data.parts[partAddress(run, part, timestep)]?.[place];
      if (text === undefined) {
        throw new Missing(`This report has no ${part} of ${run} at timestep ${timestep}.`);
      }
      return Uint8Array.from(atob(text), (letter) => letter.charCodeAt(0));
    },
  };
}
