// Debian's Chromium, and what the tests look at in it.

import { chromium, type Browser, type FrameLocator, type Page } from "playwright-core";

export type Inside = FrameLocator | Page;

export const launch = (): Promise<Browser> =>
  chromium.launch({
    executablePath: process.env.CHROMIUM ?? "/usr/bin/chromium",
    args: ["--no-sandbox", "--disable-gpu", "--disable-quic", "--disable-background-networking", "--disable-component-update"],
  });

/** A page that notes every fault and every request to somewhere else. */
export async function openPage(browser: Browser, own: string, dark = false): Promise<{ page: Page; faults: string[] }> {
  const page = await browser.newPage({ viewport: { width: 1280, height: 1000 }, colorScheme: dark ? "dark" : "light" });
  const faults: string[] = [];
  page.on("pageerror", (error) => faults.push(error.message));
  page.on("request", (request) => {
    if (!/^(data|blob):/.test(request.url()) && !request.url().startsWith(own)) faults.push(request.url());
  });
  return { page, faults };
}

/** A number that changes when the canvas does, and how red, blue and bright it is. */
export function canvasOf(inside: Inside, selector: string, nth = 0): Promise<{ sum: number; red: number; blue: number; bright: number }> {
  return inside.locator(selector).nth(nth).evaluate((element) => {
    const canvas = element as HTMLCanvasElement;
    const { data } = canvas.getContext("2d")!.getImageData(0, 0, canvas.width, canvas.height);
    let [sum, red, blue, bright] = [0, 0, 0, 0];
    for (let i = 0; i < data.length; i += 4) {
      sum = (sum * 31 + data[i]! * 7 + data[i + 1]! * 5 + data[i + 2]! * 3) % 1_000_000_007;
      red += Math.max(data[i]! - data[i + 2]!, 0);
      blue += Math.max(data[i + 2]! - data[i]!, 0);
      bright += data[i]! + data[i + 1]! + data[i + 2]!;
    }
    return { sum, red, blue, bright };
  });
}
