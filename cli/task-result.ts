/**
 * Makes a task's result from the output of its command: stdout is the result, and the end of stderr is the error. If
 * the output is too long, its last part is kept. Pure, except for the output that it collects.
 */
import { REMARK_BYTES_MAX } from "../schemas/limits/names.js";
import { TASK_VALUE_BYTES_MAX } from "../schemas/limits/tasks.js";
import { isJson } from "../shared/json-text.js";
import type { CommandEnd } from "./command-process.js";

/** While a text is too long, one of this many equal parts is cut off at its beginning. */
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
    // Together, the kept chunks may be longer than the limit by a part of the first chunk. This part is cut off once,
    // at the end.
    while (this.#kept - (this.#chunks[0]?.length ?? 0) >= this.#bytesMax)
      this.#kept -= this.#chunks.shift()?.length ?? 0;
  }

  get bytes(): Buffer {
    return Buffer.concat(this.#chunks).subarray(-this.#bytesMax);
  }
}

/**
 * Decodes UTF-8 and replaces invalid bytes. If the start of the text was cut off, the first bytes may be the rest of a
 * character; these bytes are removed.
 */
function decode(bytes: Buffer, cut: boolean): string {
  const from = cut ? bytes.findIndex((byte) => (byte & 0xc0) !== 0x80) : 0;
  return new TextDecoder().decode(bytes.subarray(Math.max(0, from)));
}

/**
 * Returns the end of `bytes` as text that fits into the limit, and its length in bytes. A slightly longer end might
 * also fit.
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

/** Collects the output of a task's command. The report on the task is made from it. */
export class CommandOutput {
  readonly #output = new Tail(TASK_VALUE_BYTES_MAX);
  readonly #errors = new Tail(REMARK_BYTES_MAX);

  readonly takeOutput = (chunk: Buffer): void => this.#output.take(chunk);
  readonly takeErrors = (chunk: Buffer): void => this.#errors.take(chunk);

  /**
   * Returns stdout as JSON text; undefined if there is no output. Output that is JSON is returned unchanged. Other
   * output is returned as a string, which states how much was cut off.
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
   * Returns the last lines of stderr as the error. If stderr is empty, returns the exit code or signal of the command.
   */
  error({ code, signal }: CommandEnd): string {
    const { bytes, total } = this.#errors;
    const cut = total > bytes.length;
    const { text, kept } = endThatFits(bytes, cut, (some) => Buffer.byteLength(some) <= REMARK_BYTES_MAX);
    // Keeps whole lines. Only if the last line is itself longer than the limit, keeps the end of that line.
    const from = kept < total ? text.indexOf("\n") + 1 : 0;
    const lines = (from < text.trimEnd().length ? text.slice(from) : text).trim();
    if (lines !== "") return lines;
    return signal === null ? `exit code ${code}` : `ended by ${signal}`;
  }
}
