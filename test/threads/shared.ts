/**
 * Memory that a test and its threads share: an injected clock, a gate, and counters of a stream. Both sides create a
 * `Shared` over the same buffer. The test moves the clock and opens the gate.
 */
import type { Clock } from "../../src/base/clock.js";

/** The data that the peer starts with: `shared` from a test, `committed` from WriterThread. */
export interface PeerData {
  readonly shared?: SharedArrayBuffer;
  readonly committed?: SharedArrayBuffer;
}

const CELL = { GATE: 0, HELD: 1, PRODUCED: 2, ENDED: 3, MAILBOX_MAX: 4 } as const;
const CELLS = 5;
const CLOCK_BYTES = 8;

export class Shared implements Clock {
  readonly #clock: Float64Array;
  readonly #cells: Int32Array;

  constructor(readonly buffer: SharedArrayBuffer) {
    this.#clock = new Float64Array(buffer, 0, 1);
    this.#cells = new Int32Array(buffer, CLOCK_BYTES, CELLS);
  }

  /** Allocates memory: the clock at 0, the gate closed. */
  static make(mailboxMax = 10_000): Shared {
    const shared = new Shared(new SharedArrayBuffer(CLOCK_BYTES + CELLS * Int32Array.BYTES_PER_ELEMENT));
    shared.#cells[CELL.MAILBOX_MAX] = mailboxMax;
    return shared;
  }

  now(): number {
    return this.#clock[0] as number;
  }

  set timeMs(nowMs: number) {
    this.#clock[0] = nowMs;
  }

  get mailboxMax(): number {
    return this.#read(CELL.MAILBOX_MAX);
  }

  /** The number of chunks that streams have produced. */
  get produced(): number {
    return this.#read(CELL.PRODUCED);
  }

  /** The number of streams that have ended, in whatever way. */
  get ended(): number {
    return this.#read(CELL.ENDED);
  }

  countProduced(): void {
    Atomics.add(this.#cells, CELL.PRODUCED, 1);
  }

  countEnded(): void {
    Atomics.add(this.#cells, CELL.ENDED, 1);
  }

  /** In the thread: reports that it is paused, and blocks until the gate is opened once. */
  hold(): void {
    Atomics.add(this.#cells, CELL.HELD, 1);
    while (Atomics.exchange(this.#cells, CELL.GATE, 0) === 0) Atomics.wait(this.#cells, CELL.GATE, 0);
  }

  /** In the test: lets the thread continue that is paused, or will be. */
  open(): void {
    Atomics.store(this.#cells, CELL.GATE, 1);
    Atomics.notify(this.#cells, CELL.GATE);
  }

  /** In the test: resolves when the thread is paused for the nth time. */
  async held(nth = 1): Promise<void> {
    while (this.#read(CELL.HELD) < nth) await new Promise((resolve) => setImmediate(resolve));
  }

  #read(cell: number): number {
    return Atomics.load(this.#cells, cell);
  }
}
