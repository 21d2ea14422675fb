/** Keeps the end of a command's output, as plain text that fits into a record. Runs in the CLI process. */
import { EVIDENCE_TAIL_BYTES_MAX } from "../../schemas/limits/evidence.js";

/** While a text is too long, one of this many equal parts is cut off at its beginning. */
const CUT_PARTS = 16;

export class OutputTail {
  #kept = Buffer.alloc(0);

  readonly take = (chunk: Buffer): void => {
    const all = Buffer.concat([this.#kept, chunk]);
    this.#kept = all.subarray(Math.max(0, all.length - 2 * EVIDENCE_TAIL_BYTES_MAX));
  };

  /** Returns the text without the escape codes of terminals; null if there was no output. */
  text(): string | null {
    // Load the module only when it is needed. With a static import, every command would load it.
    const { stripVTControlCharacters } = process.getBuiltinModule("node:util");
    let text = stripVTControlCharacters(new TextDecoder().decode(this.#kept)).trimEnd();
    while (Buffer.byteLength(text) > EVIDENCE_TAIL_BYTES_MAX) text = text.slice(Math.ceil(text.length / CUT_PARTS));
    return text === "" ? null : text.toWellFormed();
  }
}
