/** Debian's Chromium without a window, driven by puppeteer. A page belongs to the network namespace of the browser. */
import { chmodSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import puppeteer, { type Browser, type Page } from "puppeteer-core";
import { findProgram } from "../../scripts/setup/tools.mjs";
import type { Netns } from "./sandbox.ts";

/** With `netns`, in that network namespace. It is driven by a pipe, which leads into every namespace. */
export async function openBrowser(netns?: Netns): Promise<Browser> {
  const program = findProgram("chromium")!;
  const folder = mkdtempSync(join(tmpdir(), "ns-net-browser-"));
  const starter = join(folder, "chromium");
  writeFileSync(starter, `#!/bin/sh\nexec ${netns ? netns.inside([program]).join(" ") : program} "$@"\n`);
  chmodSync(starter, 0o755);
  const browser = await puppeteer.launch({ executablePath: starter, args: quiet, pipe: true });
  browser.on("disconnected", () => rmSync(folder, { recursive: true, force: true }));
  return browser;
}

const quiet = [
  "--no-sandbox", // root has none
  "--disable-gpu",
  "--disable-dev-shm-usage",
  "--no-first-run",
  "--disable-background-networking",
  "--disable-component-update",
];

export interface View {
  readonly width: number;
  readonly height: number;
  readonly scheme?: "light" | "dark";
}

export async function openPage(browser: Browser, { width, height, scheme = "light" }: View): Promise<Page> {
  const page = await browser.newPage();
  await page.setViewport({ width, height });
  await page.emulateMediaFeatures([{ name: "prefers-color-scheme", value: scheme }]);
  return page;
}

/** An expression of JavaScript, evaluated in the page. Its types are not those of this program, which has no document. */
export const asked = async <Answer>(page: Page, expression: string): Promise<Answer> =>
  (await page.evaluate(expression)) as Answer;

/** The text of the first element; empty if there is none. */
export const textOf = (page: Page, selector: string): Promise<string> =>
  asked(page, `document.querySelector(${JSON.stringify(selector)})?.textContent ?? ""`);

/** As a person sees and types: waits until the expression is true. Throws what it found last after `limitMs`. */
export async function until(page: Page, expression: string, limitMs = 10_000): Promise<number> {
  const startMs = performance.now();
  await page.waitForFunction(expression, { timeout: limitMs, polling: 20 });
  return performance.now() - startMs;
}
