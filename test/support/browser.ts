/**
 * A real browser for tests: the machine's Chromium without a window, driven by playwright-core. Where there is none,
 * tests that need one are skipped with a reason. Ends with the test.
 */
import { existsSync } from "node:fs";
import { join } from "node:path";
import { chromium, type Browser, type BrowserContext, type Locator, type Page } from "playwright-core";
import type { Owner } from "./server-process.js";

export type { BrowserContext, Page };

const NAMES = ["chromium", "chromium-browser", "google-chrome-stable", "google-chrome", "chrome"];

/** The browser's path: CHROMIUM_PATH, or the first on the PATH; undefined where there is none. */
export function findBrowser(): string | undefined {
  const named = process.env["CHROMIUM_PATH"];
  if (named !== undefined && named !== "") return named;
  const folders = (process.env["PATH"] ?? "").split(":");
  return NAMES.flatMap((name) => folders.map((folder) => join(folder, name))).find((path) => existsSync(path));
}

/** For tap's `skip`: the reason why browser tests cannot run here, or false. */
export function browserMissing(): string | false {
  return findBrowser() === undefined ? "no Chromium on this machine (or set CHROMIUM_PATH)" : false;
}

/** Starts the browser; it ends with the test. */
export async function startBrowser(t: Owner): Promise<Browser> {
  const browser = await launchBrowser();
  t.teardown(() => browser.close());
  return browser;
}

/** Starts the browser; the caller ends it. */
export function launchBrowser(): Promise<Browser> {
  const path = findBrowser();
  if (path === undefined) throw new Error("there is no browser");
  return chromium.launch({
    executablePath: path,
    // The browser may connect to the server under test only.
    args: [
      "--no-sandbox",
      "--disable-gpu",
      "--disable-quic",
      "--no-first-run",
      "--disable-background-networking",
      "--disable-component-update",
      "--disable-sync",
      "--disable-dev-shm-usage",
    ],
  });
}

/** A page and its problems: errors, warnings of the console, requests to other hosts. */
export interface WatchedPage {
  readonly page: Page;
  readonly context: BrowserContext;
  /** Everything that should not have happened. */
  readonly complaints: readonly string[];
}

export interface PageOptions {
  readonly dark?: boolean;
  readonly width?: number;
  readonly height?: number;
  /** Cookies that are shared with another page. */
  readonly context?: BrowserContext;
  /** Complaints that the test expects, for example of a refusal that it tests. */
  readonly expected?: readonly RegExp[];
}

/** Opens a new page with cookies of its own. */
export async function openPage(browser: Browser, options: PageOptions = {}): Promise<WatchedPage> {
  const { dark = false, width = 1280, height = 860, expected = [] } = options;
  const context =
    options.context ??
    (await browser.newContext({
      viewport: { width, height },
      colorScheme: dark ? "dark" : "light",
      locale: "en-GB",
      timezoneId: "UTC",
      reducedMotion: "reduce",
    }));
  const page = await context.newPage();
  const complaints: string[] = [];
  // The address is not compared, because a port may look like a status.
  const complain = (text: string, url = ""): void => {
    if (!expected.some((pattern) => pattern.test(text))) complaints.push(url === "" ? text : `${text} (${url})`);
  };
  page.on("console", (message) => {
    if (message.type() !== "error" && message.type() !== "warning") return;
    complain(`console: ${message.text()}`, message.location().url);
  });
  page.on("pageerror", (error) => complain(`error: ${error.stack ?? error.message}`));
  page.on("request", (request) => {
    const { hostname, protocol } = new URL(request.url());
    if (protocol.startsWith("http") && hostname !== "127.0.0.1" && hostname !== "localhost") complain(request.url());
  });
  return { page, context, complaints };
}

/**
 * Waits until the locator matches as many elements as the test wants, for at most 10 s: a page may show its first rows
 * before the others have come. Returns how many it matches then.
 */
export async function countOf(locator: Locator, wanted: number): Promise<number> {
  const end = Date.now() + 10_000;
  let found = await locator.count();
  while (found !== wanted && Date.now() < end) {
    await locator.page().evaluate("new Promise(requestAnimationFrame)");
    found = await locator.count();
  }
  return found;
}

/** Returns by how many px an element can be scrolled sideways. */
export function sideways(locator: Locator): Promise<number> {
  return locator.evaluate((element: { readonly scrollWidth: number; readonly clientWidth: number }) => {
    return element.scrollWidth - element.clientWidth;
  });
}
