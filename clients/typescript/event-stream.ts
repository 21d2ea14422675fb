/**
 * Reads Server-Sent Events from the body of an answer. An event that has no final blank line is dropped, because the
 * connection may have ended in the middle of it.
 */
import { UnavailableError } from "./errors.js";

/** The maximum length of an event, in characters. The server accepts at most 10 MiB in one call. */
const EVENT_CHARACTERS_MAX = 32 * 1024 * 1024;

export interface StreamEvent {
  /** The type of the event; `message` if the stream names none. */
  readonly type: string;
  readonly data: string;
}

/** Splits text into lines, and lines into events. */
class EventParser {
  readonly #charactersMax: number;
  #type = "";
  readonly #data: string[] = [];
  /** The parts of the incomplete line. They are joined once, when the line ends. */
  readonly #line: string[] = [];
  /** The number of characters of the incomplete event. */
  #characters = 0;

  constructor(charactersMax: number) {
    this.#charactersMax = charactersMax;
  }

  /** Receives a piece of the stream. Yields the events that end in it. */
  *take(text: string): Generator<StreamEvent, void, undefined> {
    let from = 0;
    for (let end = text.indexOf("\n"); end >= 0; end = text.indexOf("\n", from)) {
      this.#add(text.slice(from, end));
      from = end + 1;
      const event = this.#takeLine(this.#line.splice(0).join(""));
      if (event !== undefined) yield event;
    }
    if (from < text.length) this.#add(text.slice(from));
  }

  #add(part: string): void {
    this.#characters += part.length;
    if (this.#characters > this.#charactersMax) throw new UnavailableError("an event of the stream is too long");
    this.#line.push(part);
  }

  /** Handles one line. Returns the event that ends with it; undefined if none does. */
  #takeLine(line: string): StreamEvent | undefined {
    if (line === "") {
      const event = { type: this.#type || "message", data: this.#data.splice(0).join("\n") };
      this.#type = "";
      this.#characters = 0;
      return event.data === "" ? undefined : event;
    }
    const [, name, value = ""] = /^([^:]*)(?::(?: ?)(.*))?$/s.exec(line) ?? [];
    if (name === "event") this.#type = value;
    if (name === "data") this.#data.push(value);
    return undefined;
  }
}

/**
 * Iterates over the events of a stream. Ends when the stream ends.
 * @param heard called for each piece of the stream, even if it contains only comments
 */
export async function* readEvents(
  body: ReadableStream<Uint8Array>,
  heard: () => void,
  charactersMax: number = EVENT_CHARACTERS_MAX,
): AsyncGenerator<StreamEvent> {
  const reader = body.getReader();
  const decoder = new TextDecoder();
  const parser = new EventParser(charactersMax);
  try {
    for (;;) {
      const { done, value } = await reader.read();
      if (done) return;
      heard();
      yield* parser.take(decoder.decode(value, { stream: true }));
    }
  } finally {
    // Ignores an error of `cancel`, because the stream may have failed already.
    await reader.cancel().catch(() => undefined);
  }
}
