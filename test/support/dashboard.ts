/**
 * The dashboard as a person sees it: a real server with its second port, and a page in a real browser. The checks that
 * hold for every view are here: its names, its accessibility in light and dark, that it fits a phone, and that there
 * are no complaints.
 */
import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import type { Browser } from "playwright-core";
import { openPage, startBrowser, type Page, type PageOptions, type WatchedPage, countOf } from "./browser.js";
import { sampleRows } from "./test-size.js";
import { startKoor, type Koor, type KoorOptions, type Owner } from "./server-process.js";

/** A server with its dashboard, and the browser that shows it. */
export interface Dashboard {
  readonly koor: Koor;
  readonly browser: Browser;
  /** The dashboard's URL, `http://127.0.0.1:PORT`. */
  readonly url: string;
  /** Opens a page at an address of the dashboard, and waits until it shows its heading. */
  open(address: string, options?: PageOptions): Promise<WatchedPage>;
}

const HEADING_TIMEOUT_MS = 20_000;

/** Starts a server and a browser; both end with the test. */
export async function startDashboard(t: Owner, options: KoorOptions = {}): Promise<Dashboard> {
  const koor = await startKoor(t, { ...options, args: ["--dashboard-bind", "127.0.0.1:0", ...(options.args ?? [])] });
  const browser = await startBrowser(t);
  const url = `http://127.0.0.1:${koor.dashboardPort}`;
  return {
    koor,
    browser,
    url,
    open: async (address, pageOptions) => {
      const watched = await openPage(browser, pageOptions);
      await watched.page.goto(url + address);
      await watched.page.getByRole("heading", { level: 1 }).waitFor({ timeout: HEADING_TIMEOUT_MS });
      return watched;
    },
  };
}

interface Violation {
  readonly id: string;
  readonly help: string;
  readonly nodes: readonly { readonly html: string; readonly failureSummary?: string }[];
}

const AXE = readFileSync(createRequire(import.meta.url).resolve("axe-core/axe.min.js"), "utf8");

/** Returns what axe-core finds wrong with a page as it is; `[]` for nothing. */
export async function axeViolations(page: Page): Promise<string[]> {
  // The page's own policy forbids scripts of other origins; the debugger's scripts are exempt.
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
  /** The view's name in menu, heading and title. */
  readonly title: string;
  /** Waits until the view shows its data. */
  readonly ready: (page: Page) => Promise<unknown>;
}

const PHONE = { width: 390, height: 800 };

/** Checks what holds for every view; in the short form either in light or in dark. */
export async function checkView(t: Checker, dashboard: Dashboard, { address, title, ready }: ViewCheck): Promise<void> {
  for (const dark of sampleRows([false, true], 1)) {
    const { page, context, complaints } = await dashboard.open(address, { dark });
    await ready(page);
    const how = dark ? "dark" : "light";
    t.ok((await page.title()).includes(title), `${how}: the document's title names the view`);
    t.ok(
      ((await page.getByRole("heading", { level: 1 }).textContent()) ?? "").includes(title),
      `${how}: the heading is the view's name`,
    );
    t.equal(
      await page.locator("nav a[aria-current=page]").textContent().then(firstWords),
      title,
      `${how}: the menu shows which view it is`,
    );
    t.equal(await countOf(page.getByRole("main"), 1), 1, `${how}: there is one main landmark`);
    t.same(await axeViolations(page), [], `${how}: axe-core finds nothing`);
    t.same(complaints, [], `${how}: there are no complaints`);
    await context.close();
  }
  const { page, context } = await dashboard.open(address, PHONE);
  await ready(page);
  const wider = await page.evaluate("document.documentElement.scrollWidth - document.documentElement.clientWidth");
  t.equal(wider, 0, "it fits a phone");
  const inner = await page.evaluate(
    "(({ scrollWidth, clientWidth }) => scrollWidth - clientWidth)(document.querySelector('main'))",
  );
  t.equal(inner, 0, "and so does its content");
  await context.close();
}

/** Returns the text without the number that may follow it. */
function firstWords(text: string | null): string {
  return (text ?? "").replace(/\d+$/, "").trim();
}
