// The report, opened from the disk.

import { execFileSync } from "node:child_process";
import { join } from "node:path";
import type { Browser } from "playwright-core";
import { afterAll, beforeAll, expect, inject, it } from "vitest";
import { canvasOf, launch, openPage } from "./browser";
import { env, PYTHON, ROOT } from "./tensorboard";

let browser: Browser;
beforeAll(async () => {
  browser = await launch();
});
afterAll(() => browser?.close());

it("shows all parts from a file, without any request", async () => {
  const logdir = inject("logdir");
  const file = join(logdir, "..", "report.html");
  const runs = ["catch-0", "catch-1"].map((name) => join(logdir, name));
  execFileSync(PYTHON, ["-m", "rlmonitor", "report", ...runs, "-o", file], { cwd: ROOT, env });
  const { page, faults } = await openPage(browser, "file://");
  await page.goto(`file://${file}#run=catch-0&otherRun=catch-1&frame=4`);
  await page.locator("#player canvas.screen").nth(1).waitFor();
  await page.locator("#compare canvas.screen").nth(2).waitFor();
  await page.locator("#strategies canvas.scatter").waitFor();
  expect((await canvasOf(page, "#player canvas.screen")).bright).toBeGreaterThan(0);
  expect(await page.locator("#player").innerText()).toContain("5 / 16");
  await page.getByRole("button", { name: "Go to timestep 500" }).click();
  await page.getByRole("region", { name: "Round at 500 timesteps" }).waitFor();
  await expect.poll(() => page.url()).toContain("timestep=500");
  expect(await page.locator("#trust").innerText()).toContain("Pixel flipping");
  expect(await page.locator("#how").innerText()).toContain("epsilon-gamma-box");
  await page.emulateMedia({ colorScheme: "dark" });
  const theme = () => page.evaluate(() => document.documentElement.dataset.theme);
  await expect.poll(theme).toBe("dark");
  await page.evaluate(() => window.dispatchEvent(new Event("beforeprint")));
  expect(await theme()).toBe("light");
  await page.evaluate(() => window.dispatchEvent(new Event("afterprint")));
  await expect.poll(theme).toBe("dark");
  expect(faults).toEqual([]);
});
