// A real TensorBoard over runs that a real monitor wrote; both end with the tests.

import { execFileSync, spawn } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import type { TestProject } from "vitest/node";

export const ROOT = resolve(import.meta.dirname, "../../../..");
export const PYTHON = join(ROOT, ".venv/bin/python");
export const env = { ...process.env, PYTHONPATH: [ROOT, process.env.PYTHONPATH].filter(Boolean).join(":") };

declare module "vitest" {
  interface ProvidedContext {
    address: string;
    logdir: string;
  }
}

const freePort = () =>
  new Promise<number>((found) => {
    const server = createServer().listen(0, "127.0.0.1", () => {
      const address = server.address();
      server.close(() => found(typeof address === "object" && address ? address.port : 0));
    });
  });

/** Until all runs are listed, and for a while no more is read of any: a run is listed with its first round. */
async function answers(url: string): Promise<void> {
  let before = "";
  for (let tries = 0, same = 0; tries < 300; tries++) {
    const runs = await fetch(url).then((r) => r.json(), () => null);
    const now = JSON.stringify(runs);
    same = now === before ? same + 1 : 0;
    before = now;
    if (runs?.runs?.length >= 7 && same >= 5) return;
    await new Promise((later) => setTimeout(later, 200));
  }
  throw new Error(`${url} has not listed the runs within a minute`);
}

export default async function setup(project: TestProject): Promise<() => void> {
  const folder = mkdtempSync(join(tmpdir(), "strategies-page-"));
  const logdir = join(folder, "runs");
  execFileSync(PYTHON, [join(ROOT, "tests/board/make_page_runs.py"), logdir], { stdio: "inherit", cwd: ROOT, env });
  const port = await freePort();
  const board = spawn(
    PYTHON,
    ["-m", "tensorboard.main", "--logdir", logdir, "--port", `${port}`, "--host", "127.0.0.1"],
    { stdio: "ignore", cwd: ROOT, env },
  );
  const address = `http://127.0.0.1:${port}`;
  project.provide("address", address);
  project.provide("logdir", logdir);
  const end = () => {
    board.kill("SIGTERM");
    rmSync(folder, { recursive: true, force: true });
  };
  try {
    await answers(`${address}/data/plugin/rlmonitor/runs`);
  } catch (error) {
    end();
    throw error;
  }
  return end;
}
