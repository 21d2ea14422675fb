/**
 * The interface through which the pipeline defers requests that must wait before their handlers may run. On a node of a
 * cluster, position-guard.ts implements it. A single server defers nothing. Types only.
 */
import type { Failure } from "../base/result.js";
import type { WireReply } from "../transport/reply.js";
import type { Exchange, SocketOpener } from "../transport/transport.js";
import type { RequestHead } from "./dashboard-auth.js";

/** Decides for each request whether it has to wait before it is served. */
export interface DeferralGuard {
  /**
   * Must be called before the exchange is detached.
   * @param query the part of the URL after its `?`
   * @returns null to serve the request now, a deferral if it has to wait, or the 400 failure for a malformed position
   */
  check(exchange: Exchange, query: string): Deferral | Failure | null;
  /** Adds the headers that every reply of a node in a cluster has. */
  stamp(reply: WireReply): WireReply;
}

/**
 * The wait of one deferred request. The request is authenticated before the wait, so that the server does not receive
 * the body of an unknown caller meanwhile. It is authenticated again after the wait, because the caller may have been
 * registered or removed in between.
 */
export interface Deferral {
  /**
   * A copy of the headers that authenticate the request, because the headers of the exchange cannot be read after the
   * wait.
   */
  readonly head: RequestHead;
  /**
   * The refusal for a caller that is not authenticated. It is sent if the wait does not make the caller known. null for
   * an authenticated caller.
   */
  pendingRefusal: Failure | null;
  /**
   * Opens a WebSocket and closes it again to tell the page that it should try again. Used if the wait took too long.
   */
  readonly retryLater: SocketOpener;
  /** Whether the wait may resolve this refusal, because the caller may be known afterwards. */
  mayResolve(refusal: Failure): boolean;
  /**
   * Waits and then calls `done`. Detaches the exchange unless the wait is already over.
   * @param done called with null, or with a failure if the request has waited too long
   */
  wait(exchange: Exchange, done: (late: Failure | null) => void): void;
}
