/**
 * Receives the bodies of requests. Limits the memory of all bodies together, and the time between two pieces of a body.
 * The pipeline decides whether and how a body is read, and the exchange reads it from the connection. Deadlines are
 * checked by ticks and not by a `WaitQueue`, because each piece of a body starts a new deadline. Runs on the front.
 */
import { REQUEST_TIMEOUT_MS } from "../../../schemas/limits/connections.js";
import {
  BODIES_IN_MEMORY_BYTES_MAX,
  HELD_BODIES_BYTES_MAX,
  HELD_BODY_BYTES_MAX,
  REFUSED_LINGER_MS,
} from "../../../schemas/limits/request-bodies.js";
import type { Clock } from "../../base/clock.js";
import { Failure } from "../../base/result.js";
import type { Exchange } from "../transport/transport.js";

const TOO_SLOW = new Failure("REQUEST_TIMEOUT", "the request was not complete in time");

/** A request body that the handler reads piece by piece. */
export interface OpenBody {
  /**
   * Resolves with the next piece of the body. Resolves with null at the end of the body, and with undefined if the
   * client has disconnected.
   */
  readonly read: () => Promise<Uint8Array | null | undefined>;
  /** Reads and drops the rest of the body. Otherwise a client that is still sending would not read its answer. */
  readonly close: () => Promise<void>;
}

export class BodyReader {
  readonly #clock: Clock;
  /**
   * The exchanges whose clients must send more bytes. `since_ms` is the time at which the wait for these bytes began.
   * `late` ends the request if the wait takes too long.
   */
  readonly #waiting = new Map<Exchange, { readonly since_ms: number; readonly late: () => void }>();
  /** The refused exchanges whose clients were still sending their bodies, each with the time of its refusal. */
  readonly #lingering = new Map<Exchange, number>();
  #bytes = 0;
  /**
   * The bytes that are reserved for held bodies. The server does not read a held body, but a part of it may already be
   * in the connection's buffers.
   */
  #heldBytes = 0;

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** Ends the requests whose bodies take too long to arrive. */
  tick(nowMs: number): void {
    for (const { since_ms, late } of this.#waiting.values()) {
      if (nowMs - since_ms > REQUEST_TIMEOUT_MS) late();
    }
    for (const [exchange, sinceMs] of this.#lingering) {
      if (nowMs - sinceMs > REFUSED_LINGER_MS) exchange.cut();
    }
  }

  /**
   * Closes the client's connection after REFUSED_LINGER_MS, so that the client has time to read the refusal. Called if
   * the client is still sending the refused request.
   */
  linger(exchange: Exchange): void {
    this.#lingering.set(exchange, this.#clock.now());
    exchange.onAbort(() => this.#lingering.delete(exchange));
  }

  /**
   * Holds a body back: the server does not read it, so most of it stays with the client. The caller must limit the time
   * of the hold.
   * @returns a function that ends the hold; null if the held bodies already take too much memory
   */
  hold(exchange: Exchange): (() => void) | null {
    const bytes = Math.min(declaredBytes(exchange), HELD_BODY_BYTES_MAX);
    if (this.#heldBytes + bytes > HELD_BODIES_BYTES_MAX) return null;
    this.#heldBytes += bytes;
    exchange.holdBody();
    return () => {
      this.#heldBytes -= bytes;
    };
  }

  /**
   * Collects a whole body in memory. The client has REQUEST_TIMEOUT_MS to send it, counted from this call.
   * @param bytesMax the limit in bytes; BODY_BYTES_MAX if undefined
   * @param done called with the body, or with the 408, 413 or 503 failure that refuses it
   * @param gone called instead of `done` if the client disconnects first
   */
  collect(
    exchange: Exchange,
    bytesMax: number | undefined,
    done: (body: Uint8Array | Failure) => void,
    gone: () => void,
  ): void {
    let reserved = 0;
    let waiting = true;
    const settle = (): void => {
      waiting = false;
      this.#waiting.delete(exchange);
      this.#bytes -= reserved;
    };
    const late = (): void => {
      settle();
      exchange.closeAfterAnswer();
      done(TOO_SLOW);
    };
    exchange.onAbort(() => {
      if (!waiting) return;
      settle();
      gone();
    });
    exchange.receive({
      ...(bytesMax === undefined ? {} : { bytesMax }),
      reserve: (bytes) => {
        if (!waiting) return false;
        if (this.#bytes + bytes > BODIES_IN_MEMORY_BYTES_MAX) {
          // Drop the part of the body that has arrived. This frees its memory, even if the client sends more.
          this.#bytes -= reserved;
          reserved = 0;
          return false;
        }
        this.#bytes += bytes;
        reserved += bytes;
        return true;
      },
      done: (body) => {
        if (!waiting) return;
        settle();
        done(body);
      },
      partial: () => {
        if (waiting && !this.#waiting.has(exchange)) this.#await(exchange, late);
      },
    });
  }

  /** Opens a body that the handler reads piece by piece. The client has REQUEST_TIMEOUT_MS to send each piece. */
  open(exchange: Exchange): OpenBody {
    const cut = (): void => exchange.cut();
    const stream = exchange.stream(() => {
      if (stream.waits) this.#await(exchange, cut);
      else this.#waiting.delete(exchange);
    });
    this.#await(exchange, cut);
    return {
      read: async () => {
        const piece = await stream.read();
        if (stream.waits) this.#await(exchange, cut);
        return piece;
      },
      close: async () => {
        if (!(await stream.discard())) exchange.closeAfterAnswer();
        this.#waiting.delete(exchange);
      },
    };
  }

  /** Calls `late` if the client's next bytes do not arrive within REQUEST_TIMEOUT_MS from now. */
  #await(exchange: Exchange, late: () => void): void {
    this.#waiting.set(exchange, { since_ms: this.#clock.now(), late });
  }
}

/** Returns the declared length of a body in bytes; Infinity for a chunked body, which declares none. */
function declaredBytes(exchange: Exchange): number {
  if (exchange.header("transfer-encoding") !== "") return Number.POSITIVE_INFINITY;
  return Number(exchange.header("content-length"));
}
