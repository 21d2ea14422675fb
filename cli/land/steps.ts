/**
 * Prints the progress of a landing to stderr, for people: its position in the queue, and each step. Runs in the CLI
 * process.
 */
import { formatUptime } from "../../shared/duration.js";
import { io } from "../io.js";
import type { Lease } from "../lease-calls.js";
import { warn } from "../output.js";
import { estimateMs } from "./lane.js";

export class Steps {
  readonly #isShown = io().isErrorTerminal();
  readonly #lane: string;
  readonly #averageMs: number | null;
  #position: number | null = null;

  /** @param averageMs the average duration of a landing in the lane, in ms; null if it is unknown */
  constructor(lane: string, averageMs: number | null) {
    this.#lane = lane;
    this.#averageMs = averageMs;
  }

  report(text: string): void {
    if (this.#isShown) warn(text);
  }

  /** Prints the position of a waiting landing, if it has changed. */
  reportPosition({ position }: Lease): void {
    if (position === null || position === this.#position) return;
    this.#position = position;
    // It is unknown when the current landing got its turn, so the estimate assumes that its turn has just begun.
    const leftMs = this.#averageMs === null ? null : estimateMs(position, this.#averageMs, 0);
    const left = leftMs === null ? "" : `, about ${formatUptime(Math.ceil(leftMs))} until it has landed`;
    this.report(`position ${position} in the lane ${this.#lane}${left}`);
  }
}
