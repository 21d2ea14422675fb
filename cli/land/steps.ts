/** Shows the steps of a landing, and its place in the queue, to a person on stderr. Runs in the CLI process. */
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

  /** @param averageMs the average time of a landing in the lane; null if it is not known */
  constructor(lane: string, averageMs: number | null) {
    this.#lane = lane;
    this.#averageMs = averageMs;
  }

  report(text: string): void {
    if (this.#isShown) warn(text);
  }

  /** Reports the position of a waiting request, if it has changed. */
  reportPosition({ position }: Lease): void {
    if (position === null || position === this.#position) return;
    this.#position = position;
    // How long the landing in front has had its turn is not known here, so it is counted as one that just began.
    const leftMs = this.#averageMs === null ? null : estimateMs(position, this.#averageMs, 0);
    const left = leftMs === null ? "" : `, about ${formatUptime(Math.ceil(leftMs))} until it has landed`;
    this.report(`position ${position} in the lane ${this.#lane}${left}`);
  }
}
