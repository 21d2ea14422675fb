/**
 * Defers a request that requires a position of the cluster's log (positions.ts), until this node has applied the log up
 * to that position. The wait lasts at most POSITION_WAIT_MS. After the wait, an unknown caller is looked up again,
 * because its registration may be in a log entry that the node has applied meanwhile. Runs on the front of a node in a
 * cluster.
 */
import { Failure } from "../../base/result.js";
import type { WireReply } from "../transport/reply.js";
import type { Exchange } from "../transport/transport.js";
import type { RequestHead } from "./dashboard-auth.js";
import type { Deferral, DeferralGuard } from "./deferral.js";
import { laggingNode, requestedPosition, retryLater, withPositionHeader, type Positions } from "./positions.js";

/** The headers that authenticate a request. */
const HEAD_NAMES = ["host", "origin", "authorization", "x-koor-instance", "x-koor-session", "cookie", "sec-fetch-site"];
/** The codes of refusals that a wait may undo, because an unknown caller may be known after it. */
const MAY_RESOLVE: ReadonlySet<string> = new Set(["UNAUTHENTICATED", "NOT_FOUND", "TOO_MANY_ATTEMPTS"]);

export class PositionGuard implements DeferralGuard {
  readonly #positions: Positions;

  constructor(positions: Positions) {
    this.#positions = positions;
  }

  check(exchange: Exchange, query: string): Deferral | Failure | null {
    const position = requestedPosition(exchange, query);
    if (position instanceof Failure) return position;
    return position > this.#positions.reached ? new PositionDeferral(exchange, position, this.#positions) : null;
  }

  stamp(reply: WireReply): WireReply {
    return withPositionHeader(reply, this.#positions.line);
  }
}

class PositionDeferral implements Deferral {
  readonly head: RequestHead;
  readonly retryLater = retryLater;
  readonly #position: number;
  readonly #positions: Positions;
  pendingRefusal: Failure | null = null;

  constructor(exchange: Exchange, position: number, positions: Positions) {
    this.head = copyHead(exchange);
    this.#position = position;
    this.#positions = positions;
  }

  mayResolve({ status }: Failure): boolean {
    return MAY_RESOLVE.has(status);
  }

  wait(exchange: Exchange, done: (late: Failure | null) => void): void {
    if (this.#position <= this.#positions.reached) {
      done(null);
      return;
    }
    exchange.detach();
    this.#positions.wait(this.#position, (reached) =>
      done(reached ? null : laggingNode(this.#position, this.#positions.current)),
    );
  }
}

/**
 * Copies the headers that authenticate a request. The exchange itself can be read only in the tick in which it arrived.
 */
function copyHead(exchange: Exchange): RequestHead {
  const headers = new Map(HEAD_NAMES.map((name) => [name, exchange.header(name)]));
  const { verb, peer } = exchange;
  return { verb, peer, header: (name) => headers.get(name) ?? "" };
}
