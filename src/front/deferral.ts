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
   * @returns null if the request can be served now, its wait if it cannot, or the 400 failure for a malformed position
   */
  check(exchange: Exchange, query: string): Deferral | Failure | null;
  /** Adds the headers that every reply of a node in a cluster has. */
  stamp(reply: WireReply): WireReply;
}

/**
 * The wait of one deferred request. The request is authenticated twice. It is authenticated before the wait, so that
 * the server does not receive the body of an unknown caller meanwhile. It is authenticated again after the wait,
 * because the caller may have been registered or removed in between.
 */
export interface Deferral {
  /**
   * A copy of the headers that authenticate the request, because the headers of the exchange cannot be read after the
   * wait.
   */
  readonly head: RequestHead;
  /**
   * The failure that a caller which is not authenticated yet gets, if it is still unknown after the wait; null if the
   * caller is known.
   */
  pendingRefusal: Failure | null;
  /** Opens a WebSocket only to tell the page that it should try again, because the wait took too long. */
  readonly retryLater: SocketOpener;
  /** Whether a caller that got this refusal may turn out to be known after the wait. */
  mayResolve(refusal: Failure): boolean;
  /**
   * Waits. If the wait is over already, calls back at once; otherwise detaches the exchange.
   * @param done called with null, or with the failure of a request that has waited too long
   */
  wait(exchange: Exchange, done: (late: Failure | null) => void): void;
}
