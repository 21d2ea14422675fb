/**
 * Limits how many requests are handled in one event-loop tick. One read of a socket can contain thousands of requests,
 * and one tick can read thousands of sockets. Both HTTP libraries deliver all of these requests before the server can
 * do anything else. A request is counted when it is answered or begins to wait. A request with a long body counts as
 * several. Runs on the front.
 */
import { REQUEST_BYTES_A_COUNT, REQUESTS_PER_TICK, REQUESTS_TICK_MS } from "../../../schemas/limits/answers.js";
import { FairQueue } from "../../base/fair-queue.js";
import type { Exchange } from "./transport.js";

/** The number of requests that a tick handles before it measures the time. Most ticks have fewer. */
const UNTIMED_REQUESTS = 8;

export interface RequestTurnsOptions {
  /** Returns the time of a clock, in ms. */
  readonly now?: () => number;
  /** Calls the function in the next tick. */
  readonly later?: (run: () => void) => void;
}

interface ArrivedRequest {
  /** Returns a text that identifies the client. */
  readonly client: () => string;
  readonly handle: () => void;
  /** The length of the request's body. */
  readonly bytes: number;
}

interface WaitingRequest extends ArrivedRequest {
  readonly caller: string;
}

export class RequestTurns {
  readonly #now: () => number;
  readonly #later: (run: () => void) => void;
  #handled = 0;
  /** The time at which the count reached UNTIMED_REQUESTS; null before that. */
  #countedMs: number | null = null;
  /**
   * The requests that wait for the next tick, in the order of their arrival. Most ticks can handle all of them. Clients
   * are identified only if requests are left over.
   */
  #arrived: ArrivedRequest[] = [];
  /** The index of the arrived request that is handled next. */
  #next = 0;
  /** The requests that were left over because a tick had no time for them. They are served round-robin by client. */
  readonly #waiting = new FairQueue<WaitingRequest>();
  #scheduled = false;

  constructor({ now = () => performance.now(), later = setImmediate }: RequestTurnsOptions = {}) {
    this.#now = now;
    this.#later = later;
  }

  /**
   * Counts a request. Returns true if the request must wait for a later tick, because this tick has already handled
   * many requests and taken long.
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
   * Handles a request in a later tick, and counts it there. The next tick handles the requests in the order of their
   * arrival. Requests that are left over wait longer, and are then served round-robin by client.
   * @param client returns a text that identifies the client. Called only if the request is left over
   * @param bytes the length of the request's body
   */
  add(client: () => string, handle: () => void, bytes = 0): void {
    const request = { client, handle, bytes };
    if (this.#waiting.size > 0) this.#waiting.push({ ...request, caller: client() });
    else this.#arrived.push(request);
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
    for (let run = 0; ; ) {
      const next = this.#arrived[this.#next] ?? this.#waiting.peek();
      if (next === undefined) break;
      if (run >= UNTIMED_REQUESTS) {
        // Handlers may continue in microtasks. Handle further requests only after those microtasks, so that their time
        // counts.
        queueMicrotask(() => process.nextTick(() => this.#handleWaiting()));
        return;
      }
      if (this.isOver(next.bytes)) {
        this.#letArrivedWait();
        this.#schedule();
        return;
      }
      run += 1 + Math.floor(next.bytes / REQUEST_BYTES_A_COUNT);
      if (this.#next < this.#arrived.length) this.#next += 1;
      else this.#waiting.take();
      next.handle();
    }
    this.#arrived = [];
    this.#next = 0;
  }

  /** Moves the arrived requests that were not handled to the queue that serves clients round-robin. */
  #letArrivedWait(): void {
    for (const request of this.#arrived.splice(this.#next))
      this.#waiting.push({ ...request, caller: request.client() });
    this.#arrived = [];
    this.#next = 0;
  }
}

/** Returns a text that identifies the client of a request: its address, its token and its instance. */
export function clientOf(exchange: Pick<Exchange, "peer" | "header">): string {
  return `${exchange.peer} ${exchange.header("authorization")} ${exchange.header("x-koor-instance")}`;
}

/** Counts the requests of all ports together. */
export const requestTurns = new RequestTurns();
