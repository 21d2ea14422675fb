/**
 * A real browser for tests: the Chromium of this machine, headless and controlled by playwright-core. Without Chromium,
 * the tests that need it are skipped. The tests of a file share a browser, because its start takes as long as many
 * tests.
 */
import { existsSync } from "node:fs";
import { join } from "node:path";
import { chromium, type Browser, type BrowserContext, type Locator, type Page } from "playwright-core";
import { outermost, type Owner } from "./owner.js";

export type { BrowserContext, Page };

const NAMES = ["chromium", "chromium-browser", "google-chrome-stable", "google-chrome", "chrome"];

/** Returns the path of the browser: CHROMIUM_PATH, or the first one on PATH; undefined if there is none. */
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

/** The browsers of this process. The key is the outermost test. */
const shared = new WeakMap<Owner, Promise<Browser>>();

/** Returns the browser of the file. The first test that needs it starts it, and it ends with the outermost test. */
export function startBrowser(t: Owner): Promise<Browser> {
  const owner = outermost(t);
  const known = shared.get(owner);
  if (known !== undefined) return known;
  const starting = launchBrowser();
  shared.set(owner, starting);
  owner.teardown(async () => (await starting).close());
  return starting;
}

/** Starts a browser. The caller has to end it. */
export function launchBrowser(): Promise<Browser> {
  const path = findBrowser();
  if (path === undefined) throw new Error("there is no browser");
  return chromium.launch({
    executablePath: path,
    // The browser may connect only to the server under test.
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

/** A page, and its problems: errors, warnings on the console, and requests to other hosts. */
export interface WatchedPage {
  readonly page: Page;
  /** The cookies and the storage of the page. Other pages may share them. */
  readonly context: BrowserContext;
  /** Closes the page, and its context if no other page uses it. */
  readonly close: () => Promise<void>;
  /** The problems, none of which should have happened. */
  readonly complaints: readonly string[];
}

export interface PageOptions {
  readonly dark?: boolean;
  readonly width?: number;
  readonly height?: number;
  /** The cookies and the storage of another page, which this page shares. */
  readonly context?: BrowserContext;
  /** The problems that the test expects, for example because it tests a refusal. */
  readonly expected?: readonly RegExp[];
}

const SIZE = { width: 1280, height: 860 };

/** Makes new cookies and a new storage for pages. */
export function makeContext(browser: Browser): Promise<BrowserContext> {
  return browser.newContext({
    viewport: SIZE,
    colorScheme: "light",
    locale: "en-GB",
    timezoneId: "UTC",
    reducedMotion: "reduce",
  });
}

/** Opens a new page. It has its own cookies, unless the options name some. */
export async function openPage(browser: Browser, options: PageOptions = {}): Promise<WatchedPage> {
  const { dark = false, width = SIZE.width, height = SIZE.height, expected = [] } = options;
  const context = options.context ?? (await makeContext(browser));
  const page = await context.newPage();
  if (dark) await page.emulateMedia({ colorScheme: "dark" });
  if (width !== SIZE.width || height !== SIZE.height) await page.setViewportSize({ width, height });
  const complaints: string[] = [];
  // The URL is left out of the comparison, because its port may look like a status.
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
  const close = (): Promise<void> => (options.context === undefined ? context.close() : page.close());
  return { page, context, complaints, close };
}

/**
 * Waits until the locator matches as many elements as the test wants, for at most 10 s. This is needed because a page
 * may show its first rows before the others. Returns the number of matches.
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

/** Returns the number of px by which an element can be scrolled sideways. */
export function sideways(locator: Locator): Promise<number> {
  return locator.evaluate((element: { readonly scrollWidth: number; readonly clientWidth: number }) => {
    return element.scrollWidth - element.clientWidth;
  });
}
