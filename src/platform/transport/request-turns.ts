/**
 * Limits how many requests are handled in one event-loop tick. One read of a socket can contain thousands of requests,
 * and thousands of sockets can be read in one tick. Both libraries pass on all requests of all of them before the
 * server does anything else. A request counts whether it is answered at once or begins to wait, and one with a long
 * body counts several times. Runs on the front.
 */
import { REQUEST_BYTES_A_COUNT, REQUESTS_PER_TICK, REQUESTS_TICK_MS } from "../../../schemas/limits/answers.js";
import { FairQueue } from "../../base/fair-queue.js";
import type { Exchange } from "./transport.js";

/** The number of requests in a tick before the time is measured. Most ticks have fewer. */
const UNTIMED_REQUESTS = 8;

export interface RequestTurnsOptions {
  /** A clock in ms. */
  readonly now?: () => number;
  /** Calls the function in the next tick. */
  readonly later?: (run: () => void) => void;
}

interface WaitingRequest {
  /** A text that identifies the client. */
  readonly caller: string;
  readonly handle: () => void;
  /** The length of the request's body. */
  readonly bytes: number;
}

export class RequestTurns {
  readonly #now: () => number;
  readonly #later: (run: () => void) => void;
  #handled = 0;
  /** The time at which the count reached UNTIMED_REQUESTS; null before that. */
  #countedMs: number | null = null;
  /** The requests that wait for a later tick. */
  readonly #waiting = new FairQueue<WaitingRequest>();
  #scheduled = false;

  constructor({ now = () => performance.now(), later = setImmediate }: RequestTurnsOptions = {}) {
    this.#now = now;
    this.#later = later;
  }

  /**
   * Counts a request. Returns true if this tick has already handled many requests and taken long. The request must then
   * wait for a later tick.
   * @param bytes the length of the request's body
   */
  isOver(bytes = 0): boolean {
    const more = Math.floor(bytes / REQUEST_BYTES_A_COUNT);
    this.#handled += 1 + more;
    if (this.#handled < UNTIMED_REQUESTS) return false;
    this.#countedMs ??= this.#now();
    this.#schedule();
    return this.#handled > REQUESTS_PER_TICK && this.#now() - this.#countedMs > REQUESTS_TICK_MS;
  }

  /**
   * Handles a request in a later tick. The request is counted there. Waiting clients take turns.
   * @param client any text that identifies the client
   * @param bytes the length of the request's body
   */
  add(client: string, handle: () => void, bytes = 0): void {
    this.#waiting.push({ caller: client, handle, bytes });
    this.#schedule();
  }

  #schedule(): void {
    if (this.#scheduled) return;
    this.#scheduled = true;
    this.#later(() => {
      this.#scheduled = false;
      this.#handled = 0;
      this.#countedMs = null;
      this.#handleWaiting();
    });
  }

  #handleWaiting(): void {
    for (let run = 0; this.#waiting.size > 0; ) {
      if (run >= UNTIMED_REQUESTS) {
        // Handlers may continue in microtasks. These run now, so that their time counts.
        queueMicrotask(() => process.nextTick(() => this.#handleWaiting()));
        return;
      }
      const bytes = this.#waiting.peek()?.bytes ?? 0;
      if (this.isOver(bytes)) {
        this.#schedule();
        return;
      }
      run += 1 + Math.floor(bytes / REQUEST_BYTES_A_COUNT);
      this.#waiting.take()?.handle();
    }
  }
}

/** Returns a text that tells apart the clients of requests: by the address, the token and the name of the instance. */
export function clientOf(exchange: Pick<Exchange, "peer" | "header">): string {
  return `${exchange.peer} ${exchange.header("authorization")} ${exchange.header("x-koor-instance")}`;
}

/** The turns of all requests on all ports. */
export const requestTurns = new RequestTurns();
