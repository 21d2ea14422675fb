/**
 * The pipeline's view of requests that have to wait before their handlers may run. A single server has none; on the
 * nodes of a cluster position-guard.ts defers them. Types only.
 */
import type { Failure } from "../base/result.js";
import type { WireReply } from "../transport/reply.js";
import type { Exchange, SocketOpener } from "../transport/transport.js";
import type { RequestHead } from "./dashboard-auth.js";

/** Decides for each request whether it has to wait. */
export interface DeferralGuard {
  /**
   * Must be called before the exchange is detached.
   * @param query the part of the URL after its `?`
   * @returns null if the request can be served now, or the 400 for a malformed condition
   */
  check(exchange: Exchange, query: string): Deferral | Failure | null;
  /** Adds to a reply the headers that every reply has on such a server. */
  stamp(reply: WireReply): WireReply;
}

/**
 * The wait of one request. The request is authenticated before the wait, so that the server does not receive the body
 * of an unknown caller meanwhile, and again after it, because the caller may have been registered or removed meanwhile.
 */
export interface Deferral {
  /** A copy of the headers that authenticate the request: the exchange's own cannot be read after the wait. */
  readonly head: RequestHead;
  /** The refusal that an unauthenticated caller gets if the wait does not help; null if the caller is known. */
  pendingRefusal: Failure | null;
  /** The opener of a socket that tells a page to try again, because the wait was too long. */
  readonly retryLater: SocketOpener;
  /** Whether a caller that is refused with this may be known after the wait. */
  mayResolve(refusal: Failure): boolean;
  /**
   * Waits; calls back at once if the wait is over already. Detaches the exchange otherwise.
   * @param done called with null, or with the refusal of a request that has waited for too long
   */
  wait(exchange: Exchange, done: (late: Failure | null) => void): void;
}
