/** Loads the server's main figures, for every view that shows one of them. */
import { getJson } from "./client.js";
import type { Loader } from "./resource.js";
import type { Metrics } from "./types.js";

/**
 * The polling interval, in ms. The page must poll, because no change event reports how much an agent's calls have
 * saved.
 */
const EVERY_MS = 10_000;

export const serverMetrics: Loader<Metrics> = {
  key: "server metrics",
  kinds: [],
  everyMs: EVERY_MS,
  fetch: (signal) => getJson<Metrics>("/api/metrics", signal),
};
