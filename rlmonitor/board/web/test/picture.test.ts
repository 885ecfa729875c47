import { deflateSync } from "node:zlib";
import { describe, expect, it } from "vitest";
import type { Header } from "../src/format";
import { decode, loadPicture, undoDelta } from "../src/picture";
import { embedded, partAddress, type Source } from "../src/source";
import { sameFrames } from "../src/compare";

const entry = { name: "screen", shape: [2, 1, 2], type: "uint8" as const, delta: true };

it("undoes the XOR of each frame with the one before", () => {
  expect([...undoDelta(new Uint8Array([1, 2, 3, 3, 1, 1]), 3)]).toEqual([1, 2, 2, 1, 3, 0]);
});

describe("an array", () => {
  it("is inflated", async () => {
    expect([...(await decode(entry, deflateSync(new Uint8Array([5, 6, 1, 0]))))]).toEqual([5, 6, 4, 6]);
  });
  it("that is torn or of another size says so", async () => {
    const torn = deflateSync(new Uint8Array(4)).subarray(0, 4);
    await expect(decode(entry, torn)).rejects.toThrow("screen is damaged: it has 0 of 4 bytes");
    await expect(decode(entry, deflateSync(new Uint8Array(3)))).rejects.toThrow("3 of 4 bytes");
  });
});

const base64 = (bytes: Uint8Array | string) => Buffer.from(bytes).toString("base64");

function sourceOf(header: object | string, ...arrays: Uint8Array[]): Source {
  const text = typeof header === "string" ? header : JSON.stringify(header);
  const parts = { [partAddress("a", "clip", 5)]: [base64(text), ...arrays.map(base64)] };
  return embedded({ runs: [], indexes: {}, parts });
}

let key = 0;
const load = (source: Source) => loadPicture(source, "a", "clip", 5, `${key++}`);

describe("a part", () => {
  it("gives its arrays by name", async () => {
    const layer = { name: "relevance/q", shape: [1, 1, 2], type: "int8", delta: false, levels: 31, scale: 2 };
    const data = deflateSync(new Uint8Array(new Int8Array([-31, 15]).buffer));
    const picture = await load(sourceOf({ format: 1, arrays: [layer] }, data));
    expect(picture.targets).toEqual(["q"]);
    const found = await picture.layer("relevance/q");
    expect([[...found.data], found.levels, found.scale]).toEqual([[-31, 15], 31, 2]);
    await expect(picture.array("stack/q")).rejects.toThrow("no array stack/q");
  });
  it("of another format, or damaged, or not there, says so", async () => {
    await expect(load(sourceOf({ format: 2, arrays: [] }))).rejects.toThrow("has format 2; this page reads format 1");
    await expect(load(sourceOf("{torn"))).rejects.toThrow("The clip of a at timestep 5 is damaged");
    const nothing = embedded({ runs: [], indexes: {}, parts: {} });
    await expect(load(nothing)).rejects.toThrow("no clip of a at timestep 5");
    const picture = await load(sourceOf({ format: 1, arrays: [entry] }));
    await expect(picture.array("screen")).rejects.toThrow("no clip of a");
  });
});

it("frames are the same whatever the order of their colours", () => {
  const header = (palette: number[][]) => ({ frames: 1, palette }) as unknown as Header;
  const [a, b] = [header([[0, 0, 0], [9, 9, 9]]), header([[9, 9, 9], [0, 0, 0]])];
  expect(sameFrames(a, b, new Uint8Array([0, 1]), new Uint8Array([1, 0]))).toBe(true);
  expect(sameFrames(a, b, new Uint8Array([0, 1]), new Uint8Array([0, 1]))).toBe(false);
  expect(sameFrames(a, b, new Uint8Array([0]), new Uint8Array([1, 0]))).toBe(false);
});
