/**
 * Bodies on their way in: how much of them may be in memory at once, and for how long a client may keep
 * the server waiting for more. Runs on the front. How a body is read off the wire is the exchange's, what
 * is asked of it the pipeline's.
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

/** A body that its handler reads piece by piece. */
export interface OpenBody {
  /** The next piece, null at the end, undefined where the client has gone. */
  readonly read: () => Promise<Uint8Array | null | undefined>;
  /** Takes in what was not read, so that the client gets to read its answer. */
  readonly close: () => Promise<void>;
}

export class BodyReader {
  readonly #clock: Clock;
  /** Whose body is waited for, since when, and what becomes of it where it is late. */
  readonly #waiting = new Map<Exchange, { readonly since_ms: number; readonly late: () => void }>();
  /** Who was refused and sends on, and since when. */
  readonly #lingering = new Map<Exchange, number>();
  #bytes = 0;
  /** What of bodies that are held back may be here. */
  #held_bytes = 0;

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** Ends the requests that were waited for too long. */
  tick(now_ms: number): void {
    for (const { since_ms, late } of this.#waiting.values()) {
      if (now_ms - since_ms > REQUEST_TIMEOUT_MS) late();
    }
    for (const [exchange, since_ms] of this.#lingering) {
      if (now_ms - since_ms > REFUSED_LINGER_MS) exchange.cut();
    }
  }

  /** The client has its refusal, and REFUSED_LINGER_MS to read it. */
  linger(exchange: Exchange): void {
    this.#lingering.set(exchange, this.#clock.now());
    exchange.onAbort(() => this.#lingering.delete(exchange));
  }

  /**
   * Leaves a body with the client, for a time that is bounded by whoever asks for it.
   * @returns to be called at its end; null where too many are held back
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
   * Collects a whole body, for which the client has REQUEST_TIMEOUT_MS from when it is asked for.
   * @param bytes_max how many bytes it may have; BODY_BYTES_MAX where that is not said
   * @param done gets the body, or the 408, 413 or 503 that refuses it
   * @param gone called instead where the client leaves before
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
          // Nothing of it is kept, though its client may go on to send it: others have room for theirs.
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

  /** Opens a body for its handler; the client has REQUEST_TIMEOUT_MS for each piece that is waited for. */
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

  /** From now on the client has REQUEST_TIMEOUT_MS. */
  #await(exchange: Exchange, late: () => void): void {
    this.#waiting.set(exchange, { since_ms: this.#clock.now(), late });
  }
}

/** How long a body is said to be; Infinity where its end is told when it comes. */
function declaredBytes(exchange: Exchange): number {
  if (exchange.header("transfer-encoding") !== "") return Number.POSITIVE_INFINITY;
  return Number(exchange.header("content-length"));
}
