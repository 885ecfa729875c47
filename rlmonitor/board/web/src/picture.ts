// Frames with their maps, decoded.

import { checkFormat, Missing, type ArrayEntry, type Header, type Index, type Part } from "./format";
import type { Source } from "./source";

export interface Layer {
  data: Int8Array;
  /** Frames, or frames and stack, then height and width. */
  shape: number[];
  levels: number;
  scale: number;
}

export async function inflate(bytes: Uint8Array): Promise<Uint8Array> {
  const stream = new Blob([bytes as BlobPart]).stream();
  const inflated = stream.pipeThrough(new DecompressionStream("deflate"));
  return new Uint8Array(await new Response(inflated).arrayBuffer());
}

/** Undo the XOR of each frame with the one before, in place. */
export function undoDelta(data: Uint8Array, frames: number): Uint8Array {
  const size = data.length / Math.max(frames, 1);
  for (let i = size; i < data.length; i++) data[i]! ^= data[i - size]!;
  return data;
}

export async function decode(entry: ArrayEntry, bytes: Uint8Array): Promise<Uint8Array> {
  const expected = entry.shape.reduce((a, b) => a * b, 1);
  const data = await inflate(bytes).catch(() => new Uint8Array());
  if (data.length !== expected) {
    throw new Missing(
      `The array ${entry.name} is damaged: it has ${data.length} of ${expected} bytes.`,
    );
  }
  return entry.delta ? undoDelta(data, entry.shape[0] ?? 0) : data;
}

/** A part of a round; its arrays are fetched when they are asked for, and kept. */
export class Picture {
  private readonly arrays = new Map<string, Promise<Uint8Array>>();

  constructor(
    readonly header: Header,
    readonly address: string,
    private readonly fetch: (place: number) => Promise<Uint8Array>,
  ) {}

  has(name: string): boolean {
    return this.header.arrays.some((entry) => entry.name === name);
  }

  get targets(): string[] {
    const names = this.header.arrays.map((entry) => entry.name);
    return names.filter((n) => n.startsWith("relevance/")).map((n) => n.slice(10));
  }

  array(name: string): Promise<Uint8Array> {
    const known = this.arrays.get(name);
    if (known) return known;
    const place = this.header.arrays.findIndex((entry) => entry.name === name);
    const entry = this.header.arrays[place];
    const found = entry
      ? this.fetch(place + 1).then((bytes) => decode(entry, bytes))
      : Promise.reject(new Missing(`There is no array ${name}.`));
    this.arrays.set(name, found);
    found.catch(() => this.arrays.delete(name));
    return found;
  }

  async layer(name: string): Promise<Layer> {
    const data = await this.array(name);
    const entry = this.header.arrays.find((each) => each.name === name)!;
    return {
      data: new Int8Array(data.buffer, data.byteOffset, data.length),
      shape: entry.shape,
      levels: entry.levels ?? 127,
      scale: entry.scale ?? 1,
    };
  }
}

const KEPT = 16;
const cache = new Map<string, Promise<Picture>>();

/** Fetch a part's header; the latest ones stay in memory. */
export function loadPicture(
  source: Source,
  run: string,
  part: Part,
  timestep: number,
  key: string,
): Promise<Picture> {
  const address = JSON.stringify([run, part, timestep, key]);
  const known = cache.get(address);
  cache.delete(address);
  const found = known ?? open(source, run, part, timestep, key, address);
  cache.set(address, found);
  found.catch(() => cache.delete(address));
  for (const oldest of [...cache.keys()].slice(0, -KEPT)) cache.delete(oldest);
  return found;
}

/** Fetch what a clip is drawn from before anything draws it; what goes wrong is told there. */
export async function fetchAhead(
  source: Source,
  index: Index,
  part: Part,
  timestep: number,
  panels: number,
): Promise<void> {
  const key = index.parts[part]?.[String(timestep)];
  if (!key) return;
  const picture = await loadPicture(source, index.run, part, timestep, key);
  const maps = picture.targets.slice(0, panels).map((target) => `relevance/${target}`);
  for (const name of ["screen", "elements", ...maps]) if (picture.has(name)) picture.array(name).catch(() => {});
}

async function open(
  source: Source,
  run: string,
  part: Part,
  timestep: number,
  key: string,
  address: string,
): Promise<Picture> {
  const fetch = (place: number) => source.blob(run, part, timestep, key, place);
  const text = new TextDecoder().decode(await fetch(0));
  let header: Header;
  try {
    header = JSON.parse(text);
  } catch {
    throw new Missing(`The ${part} of ${run} at timestep ${timestep} is damaged.`);
  }
  checkFormat(header.format, `The ${part} of ${run} at timestep ${timestep}`);
  return new Picture(header, address, fetch);
}
