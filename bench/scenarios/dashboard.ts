/**
 * Measures the dashboard in a real browser. It measures the time from opening an address until data is visible, and the
 * server's cost of an open page during 500 events per second. The cost of one plain subscriber is subtracted, because
 * the feed itself costs as much. The scenario is skipped if there is no Chromium. Runs in the bench process; the
 * browser has its own processes.
 */
import { Agent, request as httpRequest } from "node:http";
import { setTimeout as delay } from "node:timers/promises";
import type { Browser } from "playwright-core";
import { WebSocket } from "ws";
import { fillWithADay } from "../../test/support/a-day.js";
import { findBrowser, launchBrowser, openPage } from "../../test/support/browser.js";
import type { Bench } from "../bench.js";
import type { Figures, Row, Scenario } from "../model.js";
import { readCpuUs } from "../process-cost.js";
import { figuresOf, median } from "../statistics.js";
import { startKoor, type Koor } from "../targets/koor.js";
import { atMost } from "../throughput.js";

const EVENTS_PER_S = 500;
/** The number of events per request, as if several agents published at once. */
const GROUP = 5;
const SEEN_MS_MAX = 500;
/** The limit of a page's cost in cores, without the cost of the feed. */
const CORE_MAX = 0.02;
const US_PER_MS = 1_000;

interface Looked {
  readonly name: string;
  readonly address: string;
  /** A CSS selector of an element that the page shows as soon as the view has its data. */
  readonly data: string;
}

const VIEWS: readonly Looked[] = [
  { name: "Needs me", address: "/", data: "main button" },
  { name: "Overview", address: "/overview", data: "main .table-frame td" },
  { name: "State", address: "/state", data: "main [role=treeitem]" },
  { name: "Events", address: "/events", data: "main .table-frame td" },
];

/** Publishes events at a steady rate until it is stopped. */
class Publisher {
  readonly #agent = new Agent({ keepAlive: true, maxSockets: 4 });
  #stopped = false;
  #sent = 0;

  constructor(readonly port: number) {}

  async run(): Promise<void> {
    const startedMs = performance.now();
    while (!this.#stopped) {
      const due = ((performance.now() - startedMs) / 1_000) * EVENTS_PER_S;
      while (this.#sent + GROUP <= due) this.#publish();
      await delay(GROUP);
    }
    this.#agent.destroy();
  }

  stop(): void {
    this.#stopped = true;
  }

  #publish(): void {
    const body = JSON.stringify(
      Array.from({ length: GROUP }, () => ({
        topic: "load.step",
        data: { step: ++this.#sent, of: "a steady stream" },
      })),
    );
    const request = httpRequest({
      host: "127.0.0.1",
      port: this.port,
      agent: this.#agent,
      method: "POST",
      path: "/api/events/publish",
    });
    request.on("response", (response) => response.resume());
    // The error is ignored: if the server has ended, the figures show it.
    request.on("error", () => undefined);
    request.end(body);
  }
}

/** Returns the average number of cores that the server uses during a time. */
async function coresOver(koor: Koor, durationMs: number): Promise<number | undefined> {
  const before = readCpuUs(koor.pid);
  const startedMs = performance.now();
  await delay(durationMs);
  const after = readCpuUs(koor.pid);
  const passedUs = (performance.now() - startedMs) * US_PER_MS;
  return before === undefined || after === undefined ? undefined : (after - before) / passedUs;
}

/**
 * Returns a script that runs in the page. The script makes a promise of the time at which an element becomes visible,
 * in ms since the epoch. This is the time of the frame after the one in which the element is drawn. The page measures
 * the time itself, because the browser's driver polls for an element only every half second after a while.
 */
function promiseSeen(selector: string): string {
  return `
    globalThis.seenMs = new Promise((resolve) => {
      const look = () => {
        if (document.querySelector(${JSON.stringify(selector)})?.checkVisibility() !== true) requestAnimationFrame(look);
        else requestAnimationFrame(() => resolve(performance.timeOrigin + performance.now()));
      };
      requestAnimationFrame(look);
    });`;
}

async function measureSeen(bench: Bench, browser: Browser, koor: Koor, { name, address, data }: Looked): Promise<Row> {
  bench.progress(`dashboard: ${name}, to seen data`);
  const url = `http://127.0.0.1:${koor.dashboardPort}${address}`;
  const times: number[] = [];
  const { page, context } = await openPage(browser);
  await page.addInitScript(promiseSeen(data));
  // The first load is not counted, because it fills the browser's cache. The target applies to later loads.
  for (let count = 0; count <= bench.settings.pageLoads; count++) {
    await page.goto("about:blank");
    const startedMs = performance.timeOrigin + performance.now();
    await page.goto(url, { waitUntil: "commit" });
    times.push((await page.evaluate<number>("globalThis.seenMs")) - startedMs);
  }
  await context.close();
  const [firstMs = 0, ...warm] = times;
  const warmMs = median(warm);
  return {
    name: `${name}, to seen data`,
    client: "",
    figures: { first_ms: firstMs, warm_ms: warmMs, slowest_ms: Math.max(...warm) },
    references: [],
    ratios: [],
    targets: [atMost("warm_ms", warmMs, SEEN_MS_MAX)].filter((target) => target !== undefined),
  };
}

/** Measures the CPU time of the server with a plain subscriber and with a page instead of it, in alternation. */
async function measureCost(bench: Bench, browser: Browser, koor: Koor, { name, address, data }: Looked): Promise<Row> {
  bench.progress(`dashboard: ${name} open under ${EVENTS_PER_S} events/s`);
  const { pageSliceMs, pageRounds } = bench.settings;
  const [alone, feed, paged]: [number[], number[], number[]] = [[], [], []];
  const note = (into: number[], cores: number | undefined): void => {
    if (cores !== undefined) into.push(cores);
  };
  for (let round = 0; round < pageRounds; round++) {
    note(alone, await coresOver(koor, pageSliceMs));
    const socket = new WebSocket(`ws://127.0.0.1:${koor.port}/api/events/subscribe`);
    socket.on("message", () => undefined);
    await new Promise((resolve) => {
      socket.on("open", resolve);
    });
    note(feed, await coresOver(koor, pageSliceMs));
    socket.terminate();
    const { page, context } = await openPage(browser);
    await page.goto(`http://127.0.0.1:${koor.dashboardPort}${address}`);
    await page.locator(data).first().waitFor();
    await delay(bench.settings.warmupMs);
    note(paged, await coresOver(koor, pageSliceMs));
    await context.close();
  }
  const figures: Figures = figuresOf({
    cores_alone: median(alone),
    cores_feed: median(feed),
    cores_page: median(paged),
    cores_beyond_feed: median(paged) - median(feed),
  });
  return {
    name: `${name} open, ${EVENTS_PER_S} events/s`,
    client: "",
    figures,
    references: [],
    ratios: [],
    targets: [atMost("cores_beyond_feed", figures["cores_beyond_feed"], CORE_MAX)].filter(
      (target) => target !== undefined,
    ),
  };
}

async function* measureDashboard(bench: Bench): AsyncGenerator<Row> {
  if (findBrowser() === undefined) {
    bench.progress("dashboard: no Chromium here, nothing is measured");
    return;
  }
  const koor = await startKoor(bench, { dashboard: true });
  await fillWithADay(koor, { nowMs: Date.now() });
  const browser = await launchBrowser();
  const publisher = new Publisher(koor.port);
  try {
    for (const view of VIEWS) yield await measureSeen(bench, browser, koor, view);
    const publishing = publisher.run();
    for (const view of VIEWS) yield await measureCost(bench, browser, koor, view);
    publisher.stop();
    await publishing;
  } finally {
    publisher.stop();
    await browser.close();
  }
}

export const dashboardScenario: Scenario = {
  name: "dashboard",
  measures: "a page in Chromium: time to seen data, and the server's cost while it is open",
  build: measureDashboard,
};
