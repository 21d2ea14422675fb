/** The jobs of the subscriber process and their results. These types cross the process boundary. Pure types. */

/** Opens one WebSocket for each path. The job ends when all are open. */
export interface OpenJob {
  readonly kind: "open";
  readonly port: number;
  readonly paths: readonly string[];
  /** Whether the subscribers stop reading after the upgrade. */
  readonly stalled: boolean;
}

/** Closes all open subscribers and removes them from the list. */
export interface CloseJob {
  readonly kind: "close";
}

/**
 * Publishes one request after another. The next request follows when all reading subscribers have received every event
 * of the previous one.
 */
export interface PublishJob {
  readonly kind: "publish";
  readonly port: number;
  /** Whole HTTP requests as ASCII text, which are sent in round-robin order. */
  readonly requests: readonly string[];
  readonly eventsPerRequest: number;
  /** False if no subscriber's pattern matches the events. */
  readonly delivered: boolean;
  readonly duration_ms: number;
  readonly publishesMax?: number;
}

export type SubscriberJob = OpenJob | CloseJob | PublishJob;

export interface PublishResult {
  readonly publishes: number;
  readonly events: number;
  readonly deliveries: number;
  /** The number of deliveries that reading subscribers missed or received twice. */
  readonly lost: number;
  /** The number of publishes that were not answered with 200. */
  readonly refused: number;
  readonly elapsedMs: number;
  /** The time from sending a publish until the last subscriber has its last event. */
  readonly last_delivery_p50_ms: number;
  readonly last_delivery_p99_ms: number;
  readonly last_delivery_max_ms: number;
  /** The time from the first delivery of a publish until its last. */
  readonly spread_p50_ms: number;
  /** The time from sending a publish until its answer has come. */
  readonly answer_p50_ms: number;
  readonly answer_p99_ms: number;
}
