/**
 * Records the figures of `/metrics` for some hours while the page is open, even if no view with charts is shown.
 * Otherwise the charts would be empty when such a view opens. A hidden page does not scrape, and the charts show this
 * time as a gap.
 */
import { SECOND_MS } from "../../shared/duration.js";
import { batch, computed, signal, type ReadonlySignal } from "@preact/signals";
import { getText } from "./client.js";
import { parseExposition } from "./exposition.js";
import { FIGURE_NAMES, figuresOf, type FigureName, type Scrape } from "./figures.js";
import type { Freshness } from "./resource.js";
import { addRow, noRows, type Rows } from "./rows.js";
import { listenForVisibility, visible } from "../base/visibility.js";

const PATH = "/metrics";
const EVERY_MS = 5_000;
/** The maximum number of rows that are kept: four hours of scrapes. */
const ROWS_MAX = 2_880;
/** If the time between two scrapes is longer than this, in ms, the chart shows a gap. */
const GAP_MS = 3 * EVERY_MS;

const recorded = signal<Rows<FigureName>>(noRows(FIGURE_NAMES));
const newestScrape = signal<Scrape | null>(null);
const error = signal<unknown>(null);
const fetchedMs = computed(() => newestScrape.value?.at_ms ?? 0);

/** The recorded values of every figure over time, with one column for each figure. */
export const figures: ReadonlySignal<Rows<FigureName>> = recorded;
/** The latest scrape; null before the first one. */
export const lastScrape: ReadonlySignal<Scrape | null> = newestScrape;
/** The error and the time of the last scrape. */
export const scrapes: Freshness = { error, fetchedMs };

let timer: ReturnType<typeof setTimeout> | undefined;
let running: AbortController | null = null;

async function scrape(abortSignal: AbortSignal): Promise<void> {
  try {
    const text = await getText(PATH, abortSignal);
    const now: Scrape = { at_ms: Date.now(), samples: parseExposition(text) };
    take(now);
  } catch (failure) {
    if (abortSignal.aborted) return;
    error.value = failure;
  }
  // The delay before the second scrape is short, because a rate needs two scrapes.
  timer = setTimeout(() => void scrape(abortSignal), recorded.value.times.length < 2 ? SECOND_MS : EVERY_MS);
}

function take(now: Scrape): void {
  const before = newestScrape.value;
  const gap = before !== null && now.at_ms - before.at_ms > GAP_MS;
  const values = figuresOf(now, gap ? null : before);
  batch(() => {
    const rows = gap ? addRow(recorded.value, before.at_ms / 1000 + 1, () => null, ROWS_MAX) : recorded.value;
    recorded.value = addRow(rows, now.at_ms / 1000, (name) => values.get(name) ?? null, ROWS_MAX);
    newestScrape.value = now;
    error.value = null;
  });
}

function run(): void {
  if (running !== null) return;
  running = new AbortController();
  void scrape(running.signal);
}

function pause(): void {
  clearTimeout(timer);
  running?.abort();
  running = null;
}

/** Starts recording. The returned function stops it and discards what was recorded. */
export function startRecorder(): () => void {
  const stopWatching = listenForVisibility((seen) => (seen ? run() : pause()));
  if (visible.value) run();
  return () => {
    stopWatching();
    pause();
    recorded.value = noRows(FIGURE_NAMES);
    newestScrape.value = null;
    error.value = null;
  };
}
