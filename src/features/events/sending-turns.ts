/**
 * Spreads the sending of events over ticks of the event loop. In each tick, live events, replays, and the buffers of
 * slow subscribers share one time slice. Without this limit, an event for many subscribers would block all requests.
 *
 * There are two lanes: one for the live events of the hub, and one in which the feeds take turns, one step each. If
 * both have work, each lane is first in every other tick, so that neither starves. Runs on the front.
 */
import { TIME_SLICE_MS } from "../../../schemas/limits/process.js";

/** The sender of live events. */
export interface LiveSender {
  /** Begins a tick. Live events that were accepted since the previous tick may be sent from now on. */
  begin(): void;
  /** Takes one step. Returns false if nothing more can be sent in this tick. */
  step(): boolean;
  /** True if another tick is needed to send the rest. */
  readonly hasMore: boolean;
}

export interface SendingTurnsOptions {
  /** A clock in ms. */
  readonly now?: () => number;
  /** Calls the function in the check phase of the next tick. */
  readonly later?: (run: () => void) => void;
}

export class SendingTurns {
  readonly #now: () => number;
  readonly #later: (run: () => void) => void;
  #live: LiveSender | null = null;
  /** The next steps of feeds, in order. */
  #feeds: (() => void)[] = [];
  /** The listeners to call when no feed waits any more. */
  readonly #idleListeners: (() => void)[] = [];
  #scheduled = false;
  #liveFirst = true;
  #began = 0;
  /** The time in ms that the WebSocket library will need later in this tick, to send the messages that it was given. */
  #charged = 0;

  constructor({ now = () => performance.now(), later = setImmediate }: SendingTurnsOptions = {}) {
    this.#now = now;
    this.#later = later;
  }

  /** Sets the sender of live events. The sender calls `wake` when it has events to send. */
  setLive(sender: LiveSender): void {
    this.#live = sender;
  }

  /** True if the time slice of this tick is used up. */
  get isOver(): boolean {
    return this.#now() - this.#began + this.#charged > TIME_SLICE_MS;
  }

  /** Charges the slice for time (in ms) that will be spent later in this tick. */
  charge(ms: number): void {
    this.#charged += ms;
  }

  /** Lets the sender of live events send in the next tick. */
  wake(): void {
    if (this.#scheduled) return;
    this.#scheduled = true;
    this.#later(() => this.#tick());
  }

  /** Adds a step of a feed, after the steps that are already waiting. It runs in a later tick. */
  add(step: () => void): void {
    this.#feeds.push(step);
    this.wake();
  }

  /** Adds a listener that is called at the end of a tick if no feed waits any more. */
  onIdle(listener: () => void): void {
    this.#idleListeners.push(listener);
  }

  #tick(): void {
    this.#scheduled = false;
    this.#began = this.#now();
    this.#charged = 0;
    this.#live?.begin();
    const waiting = this.#feeds.length > 0;
    // If a feed now adds its next step, this step comes after the steps of all other feeds.
    if (this.#liveFirst) {
      this.#runLive();
      this.#runFeeds();
    } else {
      this.#runFeeds();
      this.#runLive();
    }
    this.#liveFirst = !waiting || !this.#liveFirst;
    if (waiting && this.#feeds.length === 0) for (const listener of this.#idleListeners) listener();
    if (this.#feeds.length > 0 || this.#live?.hasMore === true) this.wake();
  }

  #runLive(): void {
    while (!this.isOver && this.#live?.step() === true);
  }

  #runFeeds(): void {
    let run = 0;
    while (run < this.#feeds.length && !this.isOver) this.#feeds[run++]?.();
    this.#feeds = this.#feeds.slice(run);
  }
}
