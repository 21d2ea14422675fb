/** Keeps the last part of a command's output, as plain text that fits into a record. Runs in the CLI process. */
import { EVIDENCE_TAIL_BYTES_MAX } from "../../schemas/limits/evidence.js";

/** A text that is too long is shortened at its beginning, by this fraction (1/16) at a time. */
const CUT_PARTS = 16;

export class OutputTail {
  #kept = Buffer.alloc(0);

  readonly take = (chunk: Buffer): void => {
    const all = Buffer.concat([this.#kept, chunk]);
    this.#kept = all.subarray(Math.max(0, all.length - 2 * EVIDENCE_TAIL_BYTES_MAX));
  };

  /** Returns the kept output without terminal escape codes; null if there was none. */
  text(): string | null {
    // Load the module only when it is needed. With a static import, every command would load it.
    const { stripVTControlCharacters } = process.getBuiltinModule("node:util");
    let text = stripVTControlCharacters(new TextDecoder().decode(this.#kept)).trimEnd();
    while (Buffer.byteLength(text) > EVIDENCE_TAIL_BYTES_MAX) text = text.slice(Math.ceil(text.length / CUT_PARTS));
    return text === "" ? null : text.toWellFormed();
  }
}
