/** Defines the messages between the front and the thread that exports spans and metrics. */
import type { StoreSettings } from "../../../schemas/config.js";
import type { Figure } from "./figures.js";
import type { LiveTaskClaim } from "./table.js";

/** The `workerData` of the thread. */
export interface TelemetryThreadData {
  readonly data_dir: string;
  readonly settings: StoreSettings;
  /** The address of the collector. The path for spans or for metrics is added to it. */
  readonly url: string;
  /** The name of the node. */
  readonly instance: string;
  readonly version: string;
  /** The time at which the server was started, in ms. The counters of the metrics count from this time. */
  readonly startedMs: number;
}

/**
 * A message to the thread. The thread answers the messages in order. It gets no further spans before it has answered.
 */
export type TelemetryRequest =
  /**
   * Exports the spans that end with these events. `claims` has the claims that were live before the first of the
   * events; null if the thread knows them already.
   */
  | { readonly kind: "spans"; readonly events: readonly string[]; readonly claims: readonly LiveTaskClaim[] | null }
  | { readonly kind: "metrics"; readonly figures: readonly Figure[]; readonly atMs: number };

/**
 * The answer of the thread. `items` is the number of spans or of metrics. `error` is the reason why they could not be
 * exported; null if they were exported.
 */
export interface TelemetryReply {
  readonly kind: TelemetryRequest["kind"];
  readonly items: number;
  /** The number of events that were not exported, because their spans could not be computed. */
  readonly skipped: number;
  /** The reason why events were skipped; null if none was. */
  readonly skipReason: string | null;
  readonly error: string | null;
}
