/**
 * Makes the result of a task from the output of its command. stdout becomes the result. If the command fails, the end
 * of stderr becomes the error. Only the last part of a long output is kept. Pure, except for the output that it
 * collects.
 */
import { REMARK_BYTES_MAX } from "../schemas/limits/names.js";
import { TASK_VALUE_BYTES_MAX } from "../schemas/limits/tasks.js";
import { isJson } from "../shared/json-text.js";
import type { CommandEnd } from "./command-process.js";

/** If a text is too long, one part in this many is cut off at its start, repeatedly until it fits. */
const CUT_PARTS = 16;

/** Keeps the last bytes of a stream. */
class Tail {
  readonly #bytesMax: number;
  #chunks: Buffer[] = [];
  #kept = 0;
  /** The number of bytes received. */
  total = 0;

  constructor(bytesMax: number) {
    this.#bytesMax = bytesMax;
  }

  take(chunk: Buffer): void {
    this.total += chunk.length;
    this.#kept += chunk.length;
    this.#chunks.push(chunk);
    // The first chunk is dropped when the others reach the limit. So the kept chunks may exceed the limit, and `bytes`
    // cuts off the excess.
    while (this.#kept - (this.#chunks[0]?.length ?? 0) >= this.#bytesMax)
      this.#kept -= this.#chunks.shift()?.length ?? 0;
  }

  get bytes(): Buffer {
    return Buffer.concat(this.#chunks).subarray(-this.#bytesMax);
  }
}

/**
 * Decodes UTF-8 and replaces invalid bytes. If `cut` is true, the text may begin in the middle of a character, whose
 * remaining bytes are removed.
 */
function decode(bytes: Buffer, cut: boolean): string {
  const from = cut ? bytes.findIndex((byte) => (byte & 0xc0) !== 0x80) : 0;
  return new TextDecoder().decode(bytes.subarray(Math.max(0, from)));
}

/**
 * Cuts off the start of `bytes` until the rest fits as text. Returns the text, and the number of bytes that were kept.
 * More bytes might fit, because a whole part is cut off each time.
 */
function endThatFits(
  bytes: Buffer,
  cut: boolean,
  fits: (text: string, kept: number) => boolean,
): { readonly text: string; readonly kept: number } {
  for (let end = bytes; ; ) {
    const text = decode(end, cut || end.length < bytes.length);
    if (end.length === 0 || fits(text, end.length)) return { text, kept: end.length };
    end = end.subarray(Math.max(1, Math.ceil(end.length / CUT_PARTS)));
  }
}

/** Collects the output of a task's command, from which the report on the task is made. */
export class CommandOutput {
  readonly #output = new Tail(TASK_VALUE_BYTES_MAX);
  readonly #errors = new Tail(REMARK_BYTES_MAX);

  readonly takeOutput = (chunk: Buffer): void => this.#output.take(chunk);
  readonly takeErrors = (chunk: Buffer): void => this.#errors.take(chunk);

  /**
   * Returns stdout as JSON text; undefined if it is empty. If stdout is JSON, it is unchanged. Otherwise it becomes a
   * string, which says how much was cut off.
   */
  result(): string | undefined {
    const { bytes, total } = this.#output;
    const cut = total > bytes.length;
    const whole = decode(bytes, cut);
    if (total === 0) return undefined;
    if (!cut && isJson(whole) && Buffer.byteLength(whole) <= TASK_VALUE_BYTES_MAX) return whole;
    const asJson = (text: string, kept: number): string => {
      const mark = kept < total ? `[cut off: the last ${kept} of ${total} bytes]\n` : "";
      return JSON.stringify(mark + text.replace(/\r?\n$/, ""));
    };
    const { text, kept } = endThatFits(
      bytes,
      cut,
      (some, length) => Buffer.byteLength(asJson(some, length)) <= TASK_VALUE_BYTES_MAX,
    );
    return asJson(text, kept);
  }

  /**
   * Returns the error of a failed command: the last lines of stderr. If stderr is empty, returns the exit code or the
   * signal.
   */
  error({ code, signal }: CommandEnd): string {
    const { bytes, total } = this.#errors;
    const cut = total > bytes.length;
    const { text, kept } = endThatFits(bytes, cut, (some) => Buffer.byteLength(some) <= REMARK_BYTES_MAX);
    // If the output was cut off, its first line may be incomplete and is dropped, unless it is the only line.
    const from = kept < total ? text.indexOf("\n") + 1 : 0;
    const lines = (from < text.trimEnd().length ? text.slice(from) : text).trim();
    if (lines !== "") return lines;
    return signal === null ? `exit code ${code}` : `ended by ${signal}`;
  }
}
