/**
 * Defines how the pipeline defers a request that must wait before it is handled. On a node of a cluster,
 * position-guard.ts implements the interface. A single server defers no requests. Types only.
 */
import type { Failure } from "../../base/result.js";
import type { WireReply } from "../transport/reply.js";
import type { Exchange, SocketOpener } from "../transport/transport.js";
import type { RequestHead } from "./dashboard-auth.js";

/** Decides for each request whether it has to wait before it is served. */
export interface DeferralGuard {
  /**
   * Decides whether a request must wait. Must be called before the exchange is detached.
   * @param query the part of the URL after its `?`
   * @returns null if the request is served now, a deferral if it must wait, or the 400 failure if the request states a
   * malformed position
   */
  check(exchange: Exchange, query: string): Deferral | Failure | null;
  /** Adds the headers that every reply of a cluster node has. */
  stamp(reply: WireReply): WireReply;
}

/**
 * The wait of one deferred request. The pipeline authenticates the request before the wait, so that the server does not
 * receive the body of an unknown caller. The pipeline authenticates it again after the wait, because the caller may
 * have been registered or removed meanwhile.
 */
export interface Deferral {
  /**
   * A copy of the headers that authenticate the request. It is needed because the exchange's headers cannot be read
   * after the wait.
   */
  readonly head: RequestHead;
  /**
   * The refusal of a caller that was unknown before the wait; null if the caller was known. If the caller is still
   * unknown after the wait, it gets this refusal.
   */
  pendingRefusal: Failure | null;
  /**
   * Opens a WebSocket and closes it at once, with a code that tells the client to try again later. Used if the wait
   * took too long.
   */
  readonly retryLater: SocketOpener;
  /**
   * Whether the caller may pass after the wait, although it was refused before. For example, an unknown caller may be
   * registered meanwhile.
   */
  mayResolve(refusal: Failure): boolean;
  /**
   * Waits, and then calls `done`. If the request must wait, detaches the exchange first.
   * @param done called with null, or with a failure if the request has waited too long
   */
  wait(exchange: Exchange, done: (late: Failure | null) => void): void;
}
