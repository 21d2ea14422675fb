/** Where the pieces of an endless answer go when nobody is there to read them. Runs in the test's process. */
import type { Sink } from "../../src/transport/reply.js";

/** Keeps what is written; takes no more than it is told to. */
export class RecordingSink implements Sink {
  readonly written: string[] = [];
  takes = true;
  ended = false;
  #drain: () => void = () => undefined;
  #close: () => void = () => undefined;

  write(text: string): boolean {
    this.written.push(text);
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
