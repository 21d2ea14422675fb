/**
 * The jobs of the subscriber process and their results, as they cross the process border. Pure types.
 */

/** Opens one WebSocket for each path. The job ends when all are open. */
export interface OpenJob {
  readonly kind: "open";
  readonly port: number;
  readonly paths: readonly string[];
  /** A stalled subscriber never reads after the upgrade. */
  readonly stalled: boolean;
}

/** Closes all subscribers that were opened, and forgets them. */
export interface CloseJob {
  readonly kind: "close";
}

/** Publishes one request after another, each when all reading subscribers have every event of the previous one. */
export interface PublishJob {
  readonly kind: "publish";
  readonly port: number;
  /** Whole HTTP requests in wire form, sent round robin. */
  readonly requests: readonly string[];
  readonly eventsPerRequest: number;
  /** False where no subscriber's pattern matches the events. */
  readonly delivered: boolean;
  readonly duration_ms: number;
  readonly publishesMax?: number;
}

export type SubscriberJob = OpenJob | CloseJob | PublishJob;

export interface PublishResult {
  readonly publishes: number;
  readonly events: number;
  readonly deliveries: number;
  /** Deliveries to reading subscribers that never came, or that came twice. */
  readonly lost: number;
  /** Publishes that were not answered with 200. */
  readonly refused: number;
  readonly elapsedMs: number;
  /** Time from writing a publish until the last subscriber has its last event. */
  readonly last_delivery_p50_ms: number;
  readonly last_delivery_p99_ms: number;
  readonly last_delivery_max_ms: number;
  /** Time from the first delivery of a publish until its last. */
  readonly spread_p50_ms: number;
  /** Time from writing a publish until its answer is read. */
  readonly answer_p50_ms: number;
  readonly answer_p99_ms: number;
}
