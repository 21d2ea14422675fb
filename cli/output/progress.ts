/**
 * Shows the progress of a long transfer on stderr: the bytes, the rate, and the remaining time if the size is known.
 * The line appears after a second, so that short transfers print nothing. It is erased at the end. The caller checks
 * that stderr is a terminal. Runs in the CLI process.
 */
import { formatUptime, SECOND_MS } from "../../shared/duration.js";
import { io } from "../io.js";
import { truncateText } from "./text-width.js";

/** The time after which the line appears first, and the minimum time between two updates. */
const FIRST_MS = SECOND_MS;
const INTERVAL_MS = 200;
const BYTE_UNITS = ["B", "kB", "MB", "GB", "TB"] as const;
/** The terminal codes that move the cursor to the start of its line and erase the line. */
const CLEAR_LINE = "\r\u001b[K";

export interface Transfer {
  /** The word with which the line begins, such as `backup`. */
  readonly name: string;
  /** The size of the whole transfer in bytes; undefined if it is unknown. */
  readonly totalBytes: number | undefined;
  /** Whether `totalBytes` is a guess, such as the size of an earlier transfer. */
  readonly isGuess?: boolean;
}

/** Formats a size with about three digits, for example `12.3 MB`. */
export function formatBytes(bytes: number): string {
  let amount = bytes;
  let unit = 0;
  for (; amount >= 999.5 && unit + 1 < BYTE_UNITS.length; unit++) amount /= 1000;
  return `${unit === 0 || amount >= 99.95 ? Math.round(amount) : amount.toFixed(1)} ${BYTE_UNITS[unit]}`;
}

/** Formats the progress line of a transfer that has run for `elapsedMs`. */
export function formatProgress(
  { name, totalBytes, isGuess = false }: Transfer,
  bytes: number,
  elapsedMs: number,
): string {
  const bytesPerMs = bytes / Math.max(1, elapsedMs);
  const rate = `${formatBytes(bytesPerMs * SECOND_MS)}/s`;
  if (totalBytes === undefined || totalBytes < bytes) return `${name}: ${formatBytes(bytes)}, ${rate}`;
  const percent = totalBytes === 0 ? 100 : Math.floor((100 * bytes) / totalBytes);
  const about = isGuess ? "about " : "";
  // Rounded up, so that a transfer that still runs does not say 0s.
  const leftMs = Math.ceil((totalBytes - bytes) / bytesPerMs / SECOND_MS) * SECOND_MS;
  const left = bytes === 0 ? "" : `, ${about}${formatUptime(leftMs)} left`;
  return `${name}: ${formatBytes(bytes)} of ${about}${formatBytes(totalBytes)} (${percent}%), ${rate}${left}`;
}

/** The progress line of one transfer. The caller reports transferred bytes with `add`, and calls `end` at the end. */
export class Progress {
  readonly #transfer: Transfer;
  readonly #nowMs: () => number;
  readonly #write: (text: string) => void;
  readonly #startMs: number;
  #bytes = 0;
  #shownMs: number | undefined;

  /**
   *
   * @param nowMs returns the time in ms, counted from any start
   * @param write writes to stderr
   */
  constructor(
    transfer: Transfer,
    nowMs: () => number = () => performance.now(),
    write: (text: string) => void = (text) => io().stderr().write(text),
  ) {
    this.#transfer = transfer;
    this.#nowMs = nowMs;
    this.#write = write;
    this.#startMs = nowMs();
  }

  add(bytes: number): void {
    this.#bytes += bytes;
    const nowMs = this.#nowMs();
    const elapsedMs = nowMs - this.#startMs;
    if (elapsedMs < FIRST_MS || (this.#shownMs !== undefined && nowMs - this.#shownMs < INTERVAL_MS)) return;
    this.#shownMs = nowMs;
    const line = formatProgress(this.#transfer, this.#bytes, elapsedMs);
    this.#write(CLEAR_LINE + truncateText(line, io().columns() - 1));
  }

  /** Erases the line, if it is shown. */
  end(): void {
    if (this.#shownMs !== undefined) this.#write(CLEAR_LINE);
  }
}
