/**
 * Receives the bodies of requests: bounds their memory, and the time for which a client may keep the server waiting for
 * more. The exchange reads a body off the wire; the pipeline decides what becomes of it. Runs on the front.
 */
import {
  BODIES_IN_MEMORY_BYTES_MAX,
  HELD_BODIES_BYTES_MAX,
  HELD_BODY_BYTES_MAX,
  REFUSED_LINGER_MS,
  REQUEST_TIMEOUT_MS,
} from "../../schemas/limits.js";
import type { Clock } from "../base/clock.js";
import { Failure } from "../base/result.js";
import type { Exchange } from "../transport/transport.js";

const TOO_SLOW = new Failure("REQUEST_TIMEOUT", "the request was not complete in time");

/** A body that the handler reads piece by piece. */
export interface OpenBody {
  /** The next piece; null at the end, undefined if the client has gone. */
  readonly read: () => Promise<Uint8Array | null | undefined>;
  /** Receives and drops what the handler has not read: a client that is still sending would not read its answer. */
  readonly close: () => Promise<void>;
}

export class BodyReader {
  readonly #clock: Clock;
  /** The exchanges whose bodies the server waits for, since when, and the function that ends a late one. */
  readonly #waiting = new Map<Exchange, { readonly since_ms: number; readonly late: () => void }>();
  /** The exchanges whose clients were refused and still send, and since when. */
  readonly #lingering = new Map<Exchange, number>();
  #bytes = 0;
  /** The bytes of held bodies that may have arrived all the same. */
  #held_bytes = 0;

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** Ends the requests whose bodies take too long. */
  tick(now_ms: number): void {
    for (const { since_ms, late } of this.#waiting.values()) {
      if (now_ms - since_ms > REQUEST_TIMEOUT_MS) late();
    }
    for (const [exchange, since_ms] of this.#lingering) {
      if (now_ms - since_ms > REFUSED_LINGER_MS) exchange.cut();
    }
  }

  /**
   * Gives a client that was refused and still sends REFUSED_LINGER_MS to read its refusal; then its connection is cut.
   */
  linger(exchange: Exchange): void {
    this.#lingering.set(exchange, this.#clock.now());
    exchange.onAbort(() => this.#lingering.delete(exchange));
  }

  /**
   * Holds a body: leaves it with the client. The caller bounds the time.
   * @returns a function to call when the body is not held any more; null if too many bytes are held already
   */
  hold(exchange: Exchange): (() => void) | null {
    const bytes = Math.min(declaredBytes(exchange), HELD_BODY_BYTES_MAX);
    if (this.#held_bytes + bytes > HELD_BODIES_BYTES_MAX) return null;
    this.#held_bytes += bytes;
    exchange.holdBody();
    return () => {
      this.#held_bytes -= bytes;
    };
  }

  /**
   * Collects a whole body. The client has REQUEST_TIMEOUT_MS for it, counted from this call.
   * @param bytes_max the limit in bytes; BODY_BYTES_MAX if undefined
   * @param done called with the body, or with the 408, 413 or 503 that refuses it
   * @param gone called instead if the client leaves before
   */
  collect(
    exchange: Exchange,
    bytes_max: number | undefined,
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
      ...(bytes_max === undefined ? {} : { bytes_max }),
      reserve: (bytes) => {
        if (!waiting) return false;
        if (this.#bytes + bytes > BODIES_IN_MEMORY_BYTES_MAX) {
          // Nothing of this body is kept, though its client may send more of it: the room is free for other bodies.
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

  /** Opens a body for its handler. The client has REQUEST_TIMEOUT_MS for each piece that the handler waits for. */
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

  /** Gives the client REQUEST_TIMEOUT_MS from now on; then `late` is called. */
  #await(exchange: Exchange, late: () => void): void {
    this.#waiting.set(exchange, { since_ms: this.#clock.now(), late });
  }
}

/** The declared length of a body in bytes; Infinity for a chunked body, which declares none. */
function declaredBytes(exchange: Exchange): number {
  if (exchange.header("transfer-encoding") !== "") return Number.POSITIVE_INFINITY;
  return Number(exchange.header("content-length"));
}
