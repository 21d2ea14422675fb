/** Keeps the last lines of an output, up to a limit of bytes. Pure. */
import { CLI_LAND_LOG_BYTES_MAX, CLI_LAND_LOG_LINES } from "../../schemas/limits/cli.js";

export class LogTail {
  #kept = Buffer.alloc(0);

  add(chunk: Buffer): void {
    const all = Buffer.concat([this.#kept, chunk]);
    this.#kept = all.subarray(Math.max(0, all.length - CLI_LAND_LOG_BYTES_MAX));
  }

  /** Returns the last lines. The first of them may be incomplete if earlier bytes were dropped. */
  lines(): string[] {
    return tailOf(this.#kept.toString("utf8"));
  }
}

/** Returns the last lines of a text, without its last line end. */
export function tailOf(text: string): string[] {
  const trimmed = text.replace(/[\r\n]+$/, "");
  return trimmed === "" ? [] : trimmed.split(/\r?\n/).slice(-CLI_LAND_LOG_LINES);
}
