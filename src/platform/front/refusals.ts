/**
 * Reports a call that the front or the writer has refused. Builds the client's answer in the API's error format. Writes
 * an audit row if the route is audited, and a log line if the operator should know. Runs on the front.
 */
import { STATUSES, type StatusRow } from "../../../schemas/status.js";
import { SECOND_MS } from "../../../shared/duration.js";
import type { Clock } from "../../base/clock.js";
import type { Log } from "../../base/log.js";
import { RemoteFailure, type Failure } from "../../base/result.js";
import type { CallContext } from "../rpc/frames.js";
import { getsAuditRow } from "../threads/refusal-row.js";
import { headerBlock } from "../transport/reply.js";
import { PausedFailure } from "./paused.js";
import { JSON_TYPE } from "./reply.js";
import type { RequestMetrics } from "./request-metrics.js";
import type { Reply, Route } from "./route.js";

export type Header = readonly [name: string, value: string];

const UNAUTHENTICATED = 401;

/** Returns the reply that reports a failure to the client. */
export function failureReply(failure: Failure, extra: readonly Header[]): Reply {
  const row: StatusRow = STATUSES[failure.status];
  const headers: Header[] = [JSON_TYPE, ...extra];
  const retryAfterS = failure instanceof PausedFailure ? failure.retryAfterS : row.retry_after_s;
  if (retryAfterS !== undefined) headers.push(["Retry-After", String(retryAfterS)]);
  if (failure.status === "UNAUTHENTICATED") headers.push(["WWW-Authenticate", "Bearer"]);
  if (failure.status === "UPGRADE_REQUIRED") headers.push(["Upgrade", "websocket"]);
  return {
    status: row.http,
    body: `${JSON.stringify({ error: failure.message, code: row.http, ...failure.members })}\n`,
    headers: headerBlock(headers),
  };
}

/** A refused call, as the audit log records it. */
export interface Refusal {
  /** The method and the path of the call's route. */
  readonly call: string;
  /** The address from which the call came; "" if unknown. */
  readonly peer: string;
  readonly action: string;
  readonly resource: string;
  readonly failure: Failure;
}

/** Writes the audit row of a refusal. Calls `done` even if the row could not be written. */
export type RecordRefusal = (refusal: Refusal, context: CallContext, done: () => void) => void;

/** The request that was refused. */
export interface RefusedRequest {
  readonly params: readonly string[];
  /** The parsed body, if it has the shape that the route requires. */
  readonly json: unknown;
  readonly context: CallContext;
  readonly peer: string;
}

export class Refusals {
  readonly #record: RecordRefusal;
  readonly #metrics: RequestMetrics;
  readonly #clock: Clock;
  readonly #log: Log;
  #reportedMs = 0;
  /** The number of refusals since the last log line. The next line states it. */
  #unreported = 0;

  constructor(record: RecordRefusal, metrics: RequestMetrics, clock: Clock, log: Log) {
    this.#log = log;
    this.#record = record;
    this.#metrics = metrics;
    this.#clock = clock;
  }

  /** Whether a refusal of this route gets an audit row. If so, a 401 is also counted in the metrics. */
  wants(route: Route, failure: Failure): boolean {
    if (route.audited === undefined || !getsAuditRow(failure)) return false;
    if (failure.http === UNAUTHENTICATED) this.#metrics.unauthenticated += 1;
    return true;
  }

  /**
   * Writes the audit row, and then calls `next`. Calls `next` even if the row could not be written, because otherwise a
   * full disk would turn a 400 answer into a 507.
   */
  write(route: Route, { params, json, context, peer }: RefusedRequest, failure: Failure, next: () => void): void {
    if (route.audited === undefined) {
      next();
      return;
    }
    const { action, resource } = route.audited;
    const call = `${route.method} ${route.path}`;
    const known = failure instanceof RemoteFailure ? failure.resource : null;
    this.#record({ call, peer, action, resource: known ?? resource(params, json), failure }, context, next);
  }

  /**
   * Logs a refusal that the operator should know about. It logs at most one line a second, because all requests may be
   * refused for the same reason.
   */
  report(route: Route, failure: Failure): void {
    if (failure.http < 500 || failure.status === "UNAVAILABLE") return;
    const nowMs = this.#clock.now();
    this.#unreported += 1;
    if (nowMs - this.#reportedMs < SECOND_MS) return;
    this.#log.warn("request refused", {
      route: route.name,
      status: failure.http,
      reason: failure.message,
      refused: this.#unreported,
    });
    this.#reportedMs = nowMs;
    this.#unreported = 0;
  }
}
