/** Defines the messages between the front and the thread of the export. */
import type { StoreSettings } from "../../../schemas/config.js";
import type { Figure } from "./figures.js";
import type { LiveTaskClaim } from "./table.js";

/** The `workerData` of the thread. */
export interface TelemetryThreadData {
  readonly data_dir: string;
  readonly settings: StoreSettings;
  /** The address of the collector, without the paths of the signals. */
  readonly url: string;
  /** The name of the node. */
  readonly instance: string;
  readonly version: string;
  /** The time at which the server was started, in ms. The counters of its metrics begin then. */
  readonly startedMs: number;
}

/** A message to the thread. The thread answers each in order, and gets the next spans after its answer. */
export type TelemetryRequest =
  /**
   * Export the spans that end with these events. If `claims` is not null, they are the live claims before the events.
   */
  | { readonly kind: "spans"; readonly events: readonly string[]; readonly claims: readonly LiveTaskClaim[] | null }
  | { readonly kind: "metrics"; readonly figures: readonly Figure[]; readonly atMs: number };

/** `items` is the number of spans, or of metrics. `error` says why they could not be exported; null if they were. */
export interface TelemetryReply {
  readonly kind: TelemetryRequest["kind"];
  readonly items: number;
  readonly error: string | null;
}
