/**
 * What a task is told of a command that ran for it: its stdout as the result, the end of its stderr as the error. Of a
 * longer output the last part is kept. Pure but for what it gathers.
 */
import { REMARK_BYTES_MAX, TASK_VALUE_BYTES_MAX } from "../schemas/limits.js";
import type { CommandEnd } from "./command-process.js";
import { isJson } from "./json-text.js";

/** Of what does not fit one of so many parts goes at a time. */
const CUT_PARTS = 16;

/** The last bytes of a stream. */
class Tail {
  readonly #bytes_max: number;
  #chunks: Buffer[] = [];
  #kept = 0;
  /** How many came in all. */
  total = 0;

  constructor(bytes_max: number) {
    this.#bytes_max = bytes_max;
  }

  take(chunk: Buffer): void {
    this.total += chunk.length;
    this.#kept += chunk.length;
    this.#chunks.push(chunk);
    // One too many is kept, so that it is cut once and not with each chunk.
    while (this.#kept - (this.#chunks[0]?.length ?? 0) >= this.#bytes_max)
      this.#kept -= this.#chunks.shift()?.length ?? 0;
  }

  get bytes(): Buffer {
    return Buffer.concat(this.#chunks).subarray(-this.#bytes_max);
  }
}

/** As text; what is no UTF-8 is replaced. The rest of a character whose beginning was cut off goes, too. */
function decode(bytes: Buffer, cut: boolean): string {
  const from = cut ? bytes.findIndex((byte) => (byte & 0xc0) !== 0x80) : 0;
  return new TextDecoder().decode(bytes.subarray(Math.max(0, from)));
}

/** An end of `bytes` that fits, as text, nearly the longest; and of how many bytes it is. */
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

/** What a command writes, as far as its task is to be told of it. */
export class CommandOutput {
  readonly #output = new Tail(TASK_VALUE_BYTES_MAX);
  readonly #errors = new Tail(REMARK_BYTES_MAX);

  readonly takeOutput = (chunk: Buffer): void => this.#output.take(chunk);
  readonly takeErrors = (chunk: Buffer): void => this.#errors.take(chunk);

  /** JSON text: stdout where it is JSON, else as a string that says where it was cut off; undefined for nothing. */
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

  /** The last lines of stderr; how the command ended, where there are none. */
  error({ code, signal }: CommandEnd): string {
    const { bytes, total } = this.#errors;
    const cut = total > bytes.length;
    const { text, kept } = endThatFits(bytes, cut, (some) => Buffer.byteLength(some) <= REMARK_BYTES_MAX);
    // Of a line that is longer than all that is told, its end is.
    const from = kept < total ? text.indexOf("\n") + 1 : 0;
    const lines = (from < text.trimEnd().length ? text.slice(from) : text).trim();
    if (lines !== "") return lines;
    return signal === null ? `exit code ${code}` : `ended by ${signal}`;
  }
}
