/**
 * The dashboard as a user sees it: a real server with its second port, and a page in a real browser. Also has the
 * checks that apply to every view: its names, its accessibility in light and dark, that it fits a phone, and that there
 * are no problems.
 */
import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import type { Browser } from "playwright-core";
import {
  makeContext,
  openPage,
  startBrowser,
  type BrowserContext,
  type Page,
  type PageOptions,
  type WatchedPage,
  countOf,
  sideways,
} from "./browser.js";
import { sampleRows } from "./test-size.js";
import { startKoor, type Koor, type KoorOptions, type Owner } from "./server-process.js";

/** A server with its dashboard, and the browser that shows it. */
export interface Dashboard {
  readonly koor: Koor;
  readonly browser: Browser;
  /** The dashboard's URL, `http://127.0.0.1:PORT`. */
  readonly url: string;
  /**
   * Opens a page of the dashboard, and waits until the page shows its heading. Pages share their cookies and storage,
   * and so the caches of the browser.
   */
  open(address: string, options?: PageOptions): Promise<WatchedPage>;
  /** Does the same with new cookies and a new storage, for a page that stores something. */
  openAlone(address: string, options?: PageOptions): Promise<WatchedPage>;
}

/**
 * The maximum number of pages that share a context. Each page keeps a connection open, and a browser opens at most six
 * connections to a server for all pages of a context.
 */
const PAGES_TOGETHER = 3;

/** A context, and the number of its pages. Pages that are being opened count too. */
interface Shared {
  readonly context: Promise<BrowserContext>;
  pages: number;
}

/**
 * The contexts that the pages of a browser share. A new context would cost more than half a second of processor time.
 */
class Contexts {
  readonly #browser: Browser;
  readonly #all: Shared[] = [];

  constructor(browser: Browser) {
    this.#browser = browser;
  }

  /** Opens a page in a context that has room for it. */
  async open(options: PageOptions): Promise<WatchedPage> {
    const shared = this.#all.find(({ pages }) => pages < PAGES_TOGETHER) ?? this.#add();
    shared.pages += 1;
    const watched = await openPage(this.#browser, { ...options, context: await shared.context });
    watched.page.once("close", () => {
      shared.pages -= 1;
    });
    return watched;
  }

  #add(): Shared {
    const added = { context: makeContext(this.#browser), pages: 0 };
    this.#all.push(added);
    return added;
  }
}

const contextsOf = new WeakMap<Browser, Contexts>();

const HEADING_TIMEOUT_MS = 20_000;

/**
 * Starts a server. Also starts a browser if there is none. The server, and the pages that `open` opens, end with the
 * test.
 */
export async function startDashboard(t: Owner, options: KoorOptions = {}): Promise<Dashboard> {
  const args = ["--dashboard-bind", "127.0.0.1:0", ...(options.args ?? [])];
  const [koor, browser] = await Promise.all([startKoor(t, { ...options, args }), startBrowser(t)]);
  const contexts = contextsOf.get(browser) ?? new Contexts(browser);
  contextsOf.set(browser, contexts);
  const opened: WatchedPage[] = [];
  t.teardown(async () => {
    for (const { close } of opened) await close();
  });
  const url = `http://127.0.0.1:${koor.dashboardPort}`;
  const show = async (address: string, opening: Promise<WatchedPage>): Promise<WatchedPage> => {
    const watched = await opening;
    opened.push(watched);
    await watched.page.goto(url + address);
    await watched.page.getByRole("heading", { level: 1 }).waitFor({ timeout: HEADING_TIMEOUT_MS });
    return watched;
  };
  return {
    koor,
    browser,
    url,
    open: (address, pageOptions = {}) => show(address, contexts.open(pageOptions)),
    openAlone: (address, pageOptions = {}) => show(address, openPage(browser, pageOptions)),
  };
}

interface Violation {
  readonly id: string;
  readonly help: string;
  readonly nodes: readonly { readonly html: string; readonly failureSummary?: string }[];
}

const AXE = readFileSync(createRequire(import.meta.url).resolve("axe-core/axe.min.js"), "utf8");

/** Returns the accessibility problems that axe-core finds in the current page; `[]` if there are none. */
export async function axeViolations(page: Page): Promise<string[]> {
  // The page's security policy forbids scripts of other origins. Scripts of the debugger are exempt.
  await page.evaluate(AXE);
  const violations = await page.evaluate<readonly Violation[]>(
    "axe.run(document, { resultTypes: ['violations'], rules: { 'label-content-name-mismatch': { enabled: true } } })" +
      ".then(({ violations }) => violations)",
  );
  return violations.flatMap(({ id, help, nodes }) =>
    nodes.map(({ html, failureSummary = "" }) => `${id}: ${help}\n${html}\n${failureSummary}`),
  );
}

/** The part of tap's `t` that the checks use. */
interface Checker extends Owner {
  equal(found: unknown, wanted: unknown, ...message: [] | [string]): boolean;
  same(found: unknown, wanted: unknown, ...message: [] | [string]): boolean;
  ok(found: unknown, ...message: [] | [string]): boolean;
}

export interface ViewCheck {
  readonly address: string;
  /** The name of the view in the menu, in the heading and in the title. */
  readonly title: string;
  /** Waits until the view shows its data. */
  readonly ready: (page: Page) => Promise<unknown>;
}

const PHONE = { width: 390, height: 800 };

/**
 * Checks one page for everything that applies to every view. In the short form, checks it either in light or in dark.
 */
export async function checkView(t: Checker, dashboard: Dashboard, { address, title, ready }: ViewCheck): Promise<void> {
  const schemes = sampleRows([false, true], 1);
  const { page, complaints, close } = await dashboard.open(address, { dark: schemes[0] === true });
  await ready(page);
  t.ok((await page.title()).includes(title), "the document's title names the view");
  t.ok(
    ((await page.getByRole("heading", { level: 1 }).textContent()) ?? "").includes(title),
    "the heading is the view's name",
  );
  t.equal(
    await page.locator("nav a[aria-current=page]").textContent().then(firstWords),
    title,
    "the menu shows which view it is",
  );
  t.equal(await countOf(page.getByRole("main"), 1), 1, "there is one main landmark");
  for (const dark of schemes) {
    await page.emulateMedia({ colorScheme: dark ? "dark" : "light" });
    t.same(await axeViolations(page), [], `${dark ? "dark" : "light"}: axe-core finds nothing`);
  }
  await page.setViewportSize(PHONE);
  await ready(page);
  for (const [selector, what] of [
    ["html", "it fits a phone"],
    ["main", "and so does its content"],
  ] as const)
    t.equal(await sideways(page.locator(selector)), 0, what);
  for (const drawn of await page.locator(".drawing, .chart").all())
    t.equal(await sideways(drawn), 0, "and no graph or chart scrolls sideways");
  t.same(complaints, [], "there are no complaints");
  await close();
}

/** Returns a text without the number that may follow it. */
function firstWords(text: string | null): string {
  return (text ?? "").replace(/\d+$/, "").trim();
}
