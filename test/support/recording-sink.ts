/** A sink for the pieces of an endless answer, without a connection. Runs in the test's process. */
import type { Sink } from "../../src/platform/transport/reply.js";

/** Records the data that is written. `takes` says whether the sink has room. */
export class RecordingSink implements Sink {
  readonly written: string[] = [];
  takes = true;
  ended = false;
  #drain: () => void = () => undefined;
  #close: () => void = () => undefined;

  write(piece: string | Uint8Array): boolean {
    this.written.push(typeof piece === "string" ? piece : Buffer.from(piece).toString());
    return this.takes;
  }

  end(): void {
    this.ended = true;
    this.#close();
  }

  onDrain(listener: () => void): void {
    this.#drain = listener;
  }

  onClose(listener: () => void): void {
    this.#close = listener;
  }

  drain(): void {
    this.takes = true;
    this.#drain();
  }
}
