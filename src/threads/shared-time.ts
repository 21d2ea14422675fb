/**
 * The newest time that a thread of the server has told, in memory that the front and its writer share: so both have one
 * time, also where the machine's clock was set while only one of them looked, and where the writer is started again.
 */
import type { MonotonicClock } from "../base/clock.js";

export class SharedTime {
  readonly #newest: BigInt64Array;

  /** @param memory that of the other side, eight bytes; its own where there is none yet */
  constructor(readonly memory = new SharedArrayBuffer(BigInt64Array.BYTES_PER_ELEMENT)) {
    this.#newest = new BigInt64Array(memory);
  }

  /** In ms; 0 before there is one. */
  get newest_ms(): number {
    return Number(Atomics.load(this.#newest, 0));
  }

  raise(now_ms: number): void {
    const now = BigInt(now_ms);
    let newest = Atomics.load(this.#newest, 0);
    while (newest < now) {
      const found = Atomics.compareExchange(this.#newest, 0, newest, now);
      if (found === newest) return;
      newest = found;
    }
  }

  /** The time by a thread's own clock, which goes on from what others have come to. */
  tell(clock: Pick<MonotonicClock, "now" | "raise">): number {
    clock.raise(this.newest_ms);
    const now_ms = clock.now();
    this.raise(now_ms);
    return now_ms;
  }
}

/** A clock of one thread that keeps to the time of the others. */
export class SharedClock {
  readonly #clock: MonotonicClock;
  readonly #time: SharedTime;

  constructor(clock: MonotonicClock, time: SharedTime) {
    this.#clock = clock;
    this.#time = time;
  }

  now(): number {
    return this.#time.tell(this.#clock);
  }

  raise(now_ms: number): void {
    this.#clock.raise(now_ms);
  }
}
