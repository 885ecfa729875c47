// Each part of the page, used as a person would, against a real TensorBoard and a real run.

import { appendFileSync, readdirSync, readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Browser, FrameLocator, Page } from "playwright-core";
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, inject, it } from "vitest";
import { canvasOf, launch, openPage } from "./browser";

const address = inject("address");
const logdir = inject("logdir");
let browser: Browser;
let page: Page;
let faults: string[];
let tab: FrameLocator;

beforeAll(async () => {
  browser = await launch();
});
afterAll(() => browser?.close());

async function open(query = "", dark = false): Promise<void> {
  ({ page, faults } = await openPage(browser, address, dark));
  const view = query && `&p.rlmonitor.view=${encodeURIComponent(query)}`;
  await page.goto(`${address}/#rlmonitor${view}`);
  tab = page.frameLocator("iframe");
}

afterEach(async ({ task }) => {
  if (task.result?.state === "fail") {
    const name = `strategies-page-${task.name.replace(/\W+/g, "-").slice(0, 60)}.png`;
    await page.screenshot({ path: join(tmpdir(), name) }).catch(() => null);
  }
  await page.close();
  expect(faults).toEqual([]);
});

const section = (name: string) => tab.getByRole("region", { name });
const text = (name: string) => section(name).innerText();

describe("(a) the timeline", () => {
  it("is in a tab that TensorBoard shows, and answers to question, measure and frames", async () => {
    ({ page, faults } = await openPage(browser, address));
    await page.goto(address);
    await page.getByRole("tab", { name: "Strategies" }).click();
    tab = page.frameLocator("iframe");
    const timeline = section("Timeline");
    await tab.getByRole("combobox", { name: "Run", exact: true }).selectOption("catch-0");
    const share = timeline.getByRole("slider", { name: "Share of the elements" });
    const said = () => share.getAttribute("aria-valuetext");
    await expect.poll(said).toMatch(/timestep 1,000: pellet .* %, bar .* %, rest .* %, score/);
    const before = await said();
    await timeline.getByRole("radio", { name: "What it values" }).check();
    await expect.poll(said).not.toBe(before);
    await timeline.getByRole("radio", { name: "Relative" }).check();
    const relative = timeline.getByRole("slider", { name: "Relative relevance" });
    const own = await relative.getAttribute("aria-valuetext");
    await timeline.getByRole("radio", { name: "Fixed probe" }).check();
    await expect.poll(() => relative.getAttribute("aria-valuetext")).not.toBe(own);
  });
  it("opens the round that is clicked, or reached by arrow keys", async () => {
    await open("run=catch-0");
    const chart = section("Timeline").getByRole("slider").first();
    await section("Timeline").locator(".u-over").first().click({ position: { x: 5, y: 60 } });
    await section("Round at 0 timesteps").waitFor();
    await chart.focus();
    await page.keyboard.press("ArrowRight");
    await section("Round at 500 timesteps").waitFor();
    await tab.getByRole("button", { name: "Latest" }).click();
    await section("Round at 1,000 timesteps").waitFor();
  });
  it("has events as flags, and seeds as a fan", async () => {
    await open("run=catch-0");
    const flag = section("Timeline").getByRole("button", { name: "Event at timestep 500: The agent begins to look" });
    const [mark, plot] = [await flag.boundingBox(), await section("Timeline").locator(".u-over").first().boundingBox()];
    // 500 of 0 to 1,000: in the middle of the curves
    expect(Math.abs(mark!.x + mark!.width / 2 - plot!.x - plot!.width / 2)).toBeLessThan(2);
    await flag.click();
    await section("Round at 500 timesteps").waitFor();
    await tab.getByText("Beside it").click();
    await tab.getByLabel("catch-1", { exact: true }).check();
    await expect.poll(() => text("Timeline")).toContain("catch (2 seeds)");
    await tab.getByLabel("Seeds as a fan").uncheck();
    await expect.poll(() => text("Timeline")).toMatch(/catch-0[^]*catch-1/);
  });
});

const canvas = (nth = 0) => canvasOf(tab, "#player canvas.screen", nth);

async function changes(act: () => Promise<unknown>, nth = 0): Promise<void> {
  const before = await canvas(nth);
  await act();
  await expect.poll(async () => (await canvas(nth)).sum).not.toBe(before.sum);
}

describe("(b) the clip", () => {
  beforeEach(async () => {
    await open("run=catch-0");
    await tab.locator("#player canvas.screen").nth(1).waitFor();
  });
  it("plays, pauses, scrubs and steps by keyboard", async () => {
    const frame = section("Round at").getByLabel("Frame", { exact: false }).and(tab.getByRole("slider"));
    expect(await frame.getAttribute("aria-valuetext")).toBe("1 / 16");
    await section("Round at").getByRole("button", { name: "Play" }).click();
    await expect.poll(() => frame.inputValue()).not.toBe("0");
    await section("Round at").getByRole("button", { name: "Pause" }).click();
    await frame.fill("7");
    await tab.getByLabel(/^Frame 8 of 16/).focus();
    await changes(() => page.keyboard.press("ArrowRight"));
    expect(await frame.inputValue()).toBe("8");
    await page.keyboard.press("ArrowLeft");
    await expect.poll(() => frame.inputValue()).toBe("7");
    await page.keyboard.press(" ");
    await section("Round at").getByRole("button", { name: "Pause" }).waitFor();
    await page.keyboard.press(" ");
    await page.keyboard.press("End");
    await expect.poll(() => frame.inputValue()).toBe("15");
  });
  it("shows the screen alone without overlay, and one sign alone", async () => {
    const overlay = tab.getByLabel("Overlay");
    await changes(() => overlay.fill("0"));
    await section("Round at").getByLabel("Outlines").uncheck();
    await expect.poll(async () => (await canvas()).red + (await canvas()).blue).toBe(0);
    await overlay.fill("1");
    await section("Round at").getByRole("radio", { name: "For", exact: true }).check();
    await expect.poll(async () => (await canvas()).blue).toBe(0);
    await section("Round at").getByRole("radio", { name: "Against", exact: true }).check();
    await expect.poll(async () => (await canvas()).red).toBe(0);
  });
  it("changes with colours, with the frame of the stack, and with the panels", async () => {
    await changes(() => tab.getByLabel("Colours").selectOption("orange-purple"));
    await changes(() => section("Round at").getByRole("radio", { name: "t−2", exact: true }).check());
    await changes(() => section("Round at").getByRole("radio", { name: "t", exact: true }).check());
    await section("Round at").getByRole("radio", { name: "One", exact: true }).check();
    await expect.poll(() => tab.locator("#player canvas.screen").count()).toBe(1);
    expect(await text("Round at")).not.toContain("What it values Q(s, a)");
  });
  it("has Q-values and element shares of the frame beside it", async () => {
    const said = await text("Round at");
    expect(said).toMatch(/Q-values; bars: less their mean/);
    expect(said).toMatch(/pellet[^]*%[^]*bar[^]*%[^]*rest[^]*%/);
  });
});

describe("(c) strategies", () => {
  it("show the frame under the mouse, and play it on a click", async () => {
    await open("run=catch-0");
    const scatter = section("Strategies").getByRole("listbox");
    await scatter.waitFor();
    const preview = () => canvasOf(tab, "#strategies .preview canvas.screen");
    await tab.locator("#strategies .preview canvas.screen").waitFor();
    const before = await preview();
    await scatter.focus();
    for (let i = 0; i < 5; i++) await page.keyboard.press("ArrowRight");
    await expect.poll(async () => (await preview()).sum).not.toBe(before.sum);
    await page.keyboard.press("Enter");
    await expect.poll(() => text("Round at")).toMatch(/ \/ 48/);
    expect(await text("Strategies")).toMatch(/of the frames[^]*Typical: frame/);
    expect(await text("Strategies")).toContain("Part of the frames over training");
  });
  it("have a mean map each, and what puts their typical frames into them", async () => {
    await open("run=catch-0");
    const items = tab.locator("#strategies .cluster-list li");
    await items.first().waitFor();
    const count = await items.count();
    const means = section("Strategies").getByRole("img", { name: /^Mean map of strategy/ });
    await expect.poll(() => means.count()).toBe(count);
    const reasons = section("Strategies").getByRole("img", { name: /^What puts frame \d+ into strategy/ });
    expect(await reasons.count()).toBe(count > 1 ? count : 0);
    expect((await canvasOf(tab, "#strategies .cluster-maps canvas")).red).toBeGreaterThan(0);
  });
});

describe("(d) comparing", () => {
  it("lays two runs on the same frames, with their difference", async () => {
    await open("run=catch-0");
    await tab.getByRole("combobox", { name: "with run" }).selectOption("catch-1");
    await expect.poll(() => text("Compare")).toMatch(/A catch-0 at 1,000[^]*B catch-1 at/);
    await expect.poll(async () => (await canvasOf(tab, "#compare canvas.screen", 2)).red).toBeGreaterThan(0);
  });
  it("lays two timesteps on the same frames", async () => {
    await open("run=catch-0&otherRun=catch-0&otherTimestep=0");
    await tab.locator("#compare canvas.screen").nth(2).waitFor();
    expect(await text("Compare")).toMatch(/A catch-0 at 1,000[^]*B catch-0 at 0[^]*A − B/);
    const difference = () => canvasOf(tab, "#compare canvas.screen", 2);
    const first = await difference();
    expect(first.red + first.blue).toBeGreaterThan(0);
    await tab.getByRole("combobox", { name: "at timestep" }).selectOption("1000");
    await expect.poll(async () => (await difference()).red + (await difference()).blue).toBe(0);
    await tab.getByRole("combobox", { name: "at timestep" }).selectOption("500");
    await section("Compare").getByRole("slider", { name: "Frame" }).fill("9");
    await expect.poll(() => text("Compare")).toContain("10 / 24");
  });
});

it("(e) an event leads to its moment, with its numbers", async () => {
  await open("run=catch-0");
  expect(await text("Events")).toMatch(/shortcut[^]*decides by the bar[^]*share\s+0.75[^]*onset/);
  await section("Events").getByRole("button", { name: "Go to timestep 500" }).click();
  await section("Round at 500 timesteps").waitFor();
});

it("(f) a light with its numbers and a sentence, (g) and how it was made", async () => {
  await open("run=catch-0");
  expect(await text("May these maps")).toMatch(/What it values: .*\.[^]*Pixel flipping[^]*Conservation error/);
  expect(await tab.locator(".trust-link").innerText()).toContain("What it decides by");
  expect(await text("How it was made")).toMatch(/epsilon-gamma-box[^]*Seed of the monitor\s+0[^]*rlmonitor \d/);
});

it("a view can be sent to a colleague", async () => {
  await open("run=catch-1");
  await section("Round at").getByLabel("Frame").and(tab.getByRole("slider")).fill("3");
  await tab.getByLabel("Overlay").fill("0.5");
  await expect.poll(() => page.url()).toContain("p.rlmonitor.view=");
  await expect.poll(() => decodeURIComponent(page.url())).toMatch(/frame=3.*opacity=0.5|opacity=0.5.*frame=3/);
  const sent = page.url();
  await page.close();
  ({ page, faults } = await openPage(browser, address));
  await page.goto(sent);
  tab = page.frameLocator("iframe");
  await expect.poll(() => text("Round at")).toContain("4 / 16");
  expect(await tab.getByRole("combobox", { name: "Run", exact: true }).inputValue()).toBe("catch-1");
  expect(await tab.getByLabel("Overlay").inputValue()).toBe("0.5");
});

describe("bad data is told in a sentence", () => {
  it.each([
    ["torn", "Round at 500 timesteps"],
    ["later", "format 99; this page reads format 1"],
    ["later", "has no whole round so far"],
    ["numbers-only", "no pictures: its event file holds numbers only"],
    ["broken-picture", "The clip of broken-picture at timestep 5 is damaged"],
    ["later-picture", "The clip of later-picture at timestep 5 has format 99"],
    ["old", "There is no run old here"],
  ])("%s: %s", async (run, sentence) => {
    await open(`run=${run}`);
    await expect.poll(() => tab.locator("main").innerText()).toContain(sentence);
  });
  it("a server that ends", async () => {
    await open("run=catch-0");
    await section("Events").waitFor();
    await page.route("**/data/plugin/rlmonitor/**", (route) => route.abort());
    await expect.poll(() => tab.locator("main").innerText(), { timeout: 15_000 }).toContain("TensorBoard does not answer");
    expect(await text("Events")).toContain("onset");
  });
});

it("follows a training", async () => {
  await open("run=live");
  await section("Round at 500 timesteps").waitFor();
  const whole = join(logdir, "catch-0");
  const [name] = readdirSync(whole).filter((each) => each.includes("tfevents"));
  const [content, known] = [join(whole, name!), join(logdir, "live", name!)].map((path) => readFileSync(path));
  appendFileSync(join(logdir, "live", name!), content!.subarray(known!.length));
  await section("Round at 1,000 timesteps").waitFor({ timeout: 20_000 });
});

describe("everybody can use it", () => {
  it.each([["light", 1280], ["dark", 1280], ["light", 640]] as const)("%s, %d pixels wide", async (theme, width) => {
    await open("run=catch-0", theme === "dark");
    await page.setViewportSize({ width, height: 900 });
    if (theme === "dark") await page.evaluate(() => document.body.classList.add("dark-mode"));
    await tab.locator("#compare canvas.screen").nth(2).waitFor();
    const frame = page.frames().find((each) => each.url().includes("plugin_entry"))!;
    await expect.poll(() => frame.evaluate(() => document.documentElement.dataset.theme)).toBe(theme);
    const axe = readFileSync(createRequire(import.meta.url).resolve("axe-core/axe.min.js"), "utf8");
    await frame.evaluate(axe);
    const found = await frame.evaluate(async () => {
      const axe = (window as unknown as { axe: { run: (options: object) => Promise<{ violations: { id: string; nodes: { html: string }[] }[] }> } }).axe;
      const { violations } = await axe.run({ runOnly: ["wcag2a", "wcag2aa", "wcag21aa"] });
      return violations.map((each) => `${each.id}: ${each.nodes.map((node) => node.html.slice(0, 200)).join(" | ")}`);
    });
    expect(found).toEqual([]);
    expect(await frame.evaluate(() => document.documentElement.scrollWidth - innerWidth)).toBeLessThanOrEqual(0);
  });
});
