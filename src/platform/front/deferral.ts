/**
 * The interface through which the pipeline defers requests that must wait before they are handled. On a node of a
 * cluster, position-guard.ts implements it. A single server defers nothing. Types only.
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
   * @returns null to serve the request now, a deferral if it must wait, or the 400 failure for a malformed position
   */
  check(exchange: Exchange, query: string): Deferral | Failure | null;
  /** Adds the headers that every reply of a cluster node has. */
  stamp(reply: WireReply): WireReply;
}

/**
 * The wait of one deferred request. The pipeline authenticates the request before the wait, so that the server does not
 * receive the body of an unknown caller. It does so again after the wait, because the caller may have been registered
 * or removed meanwhile.
 */
export interface Deferral {
  /**
   * A copy of the headers that authenticate the request, because the exchange's headers cannot be read after the wait.
   */
  readonly head: RequestHead;
  /**
   * The refusal for an unauthenticated caller; null for an authenticated one. It is sent if the caller is still unknown
   * after the wait.
   */
  pendingRefusal: Failure | null;
  /**
   * Opens a WebSocket only to close it with a code that tells the client to try again later. Used if the wait took too
   * long.
   */
  readonly retryLater: SocketOpener;
  /** Whether a refusal might not be repeated after the wait, because the caller may be registered by then. */
  mayResolve(refusal: Failure): boolean;
  /**
   * Waits, and then calls `done`. Detaches the exchange unless no wait is needed any more.
   * @param done called with null, or with a failure if the request has waited too long
   */
  wait(exchange: Exchange, done: (late: Failure | null) => void): void;
}
