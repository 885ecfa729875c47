// The browser's part of strategies_page.py: prints JSON, asks for another round by "append".

import { createRequire } from "node:module";
import { createInterface } from "node:readline";
import { performance } from "node:perf_hooks";

const web = new URL("../rlmonitor/board/web/", import.meta.url);
const { chromium } = createRequire(web)("playwright-core");
const [address, rounds] = [process.argv[2], Number(process.argv[3])];
const say = (message) => console.log(JSON.stringify(message));
const lines = createInterface({ input: process.stdin })[Symbol.asyncIterator]();
const seconds = (since) => (performance.now() - since) / 1000;

const browser = await chromium.launch({
  executablePath: process.env.CHROMIUM ?? "/usr/bin/chromium",
  args: ["--no-sandbox", "--disable-gpu", "--disable-quic", "--disable-background-networking", "--disable-component-update", "--enable-precise-memory-info"],
});
const page = await browser.newPage({ viewport: { width: 1280, height: 1000 } });

/** Until a clip is drawn in the tab, with both questions' maps. */
const drawn = () =>
  page.frameLocator("iframe").locator("#player canvas.screen").nth(1).evaluate(
    (canvas) =>
      new Promise((done) => {
        const look = () => {
          const { data } = canvas.getContext("2d").getImageData(0, 0, canvas.width, canvas.height);
          if (data.some((value, i) => i % 4 < 3 && value > 0)) done();
          else requestAnimationFrame(look);
        };
        look();
      }),
    undefined,
    { timeout: 60_000 },
  );
const frame = () => page.frames().find((each) => each.parentFrame());
const heap = async () => (await frame().evaluate(() => performance.memory.usedJSHeapSize)) / 2 ** 20;

await page.goto(address);
const tab = page.getByRole("tab", { name: "Strategies" });
await tab.waitFor({ timeout: 60_000 });
await page.waitForTimeout(5_000); // TensorBoard's own start
/** Note in TensorBoard's window when the picture is there: asked from outside, a busy page answers late. */
const watch = () =>
  page.evaluate(() => {
    window.seen = new Promise((done) => {
      const look = () => {
        const canvas = document.querySelector("iframe")?.contentDocument?.querySelectorAll("#player canvas.screen")[1];
        const { data } = canvas?.getContext("2d").getImageData(0, 0, canvas.width, canvas.height) ?? { data: [] };
        if (data.some((value, i) => i % 4 < 3 && value > 0)) done(Date.now());
        else requestAnimationFrame(look);
      };
      look();
    });
  });
await watch();
const clicked = Date.now();
await tab.click();
const seen = ((await page.evaluate(() => window.seen)) - clicked) / 1000;
await drawn();
say({ seen, usable: (Date.now() - clicked) / 1000, heap: await heap() });

await page.goto("about:blank");
let began = performance.now();
await page.goto(`${address}/#rlmonitor`);
await drawn();
say({ opened: seconds(began) });

// Every frame of the screen moves the slider to the next frame of the clip; those that show it count.
const fps = await frame().evaluate(
  () =>
    new Promise((done) => {
      const slider = [...document.querySelectorAll("#player .transport input")].at(-1);
      const set = Object.getOwnPropertyDescriptor(HTMLInputElement.prototype, "value").set;
      const shown = () => document.querySelector("#player .panels").getAttribute("aria-label");
      let [seen, last, at] = [0, shown(), 0];
      const start = performance.now();
      const step = () => {
        if (shown() !== last) seen++;
        last = shown();
        at = (at + 1) % (Number(slider.max) + 1);
        set.call(slider, String(at));
        slider.dispatchEvent(new Event("input", { bubbles: true }));
        if (performance.now() - start < 4000) requestAnimationFrame(step);
        else done(seen / ((performance.now() - start) / 1000));
      };
      requestAnimationFrame(step);
    }),
);
say({ fps });

const tabbed = page.frameLocator("iframe");
const slider = tabbed.getByRole("region", { name: "Timeline" }).getByRole("slider").first();
const title = tabbed.locator("#player h2");
const jumps = [];
await slider.focus();
for (let i = 1; i < rounds && jumps.length < 20; i++) {
  const before = await title.innerText();
  began = performance.now();
  await slider.press("ArrowLeft");
  const inside = frame();
  await inside.waitForFunction((text) => document.querySelector("#player h2").innerText !== text, before);
  const state = await inside.waitForFunction(() => {
    if (document.querySelectorAll("#player canvas.screen").length > 1) return "clip";
    return document.querySelector("#player").innerText.includes("There is no picture") && "none";
  });
  if ((await state.jsonValue()) === "none") continue;
  await drawn();
  jumps.push(seconds(began));
}
jumps.sort((a, b) => a - b);
say({ jump: jumps[Math.floor(jumps.length / 2)], n_jumps: jumps.length, heap_after: await heap() });

await tabbed.getByRole("button", { name: "Latest" }).click();
say("append");
const timestep = Number((await lines.next()).value);
began = performance.now();
await tabbed.getByRole("region", { name: `Round at ${timestep.toLocaleString("en")} timesteps` }).waitFor({ timeout: 60_000 });
await drawn();
say({ live: seconds(began) });
await browser.close();
process.exit(0);
