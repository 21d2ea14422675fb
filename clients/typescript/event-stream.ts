/**
 * Reads Server-Sent Events from the body of an answer. An event that is not ended by its blank line is dropped, because
 * the connection may have ended within it.
 */

export interface StreamEvent {
  /** `message` if the stream names none. */
  readonly type: string;
  readonly data: string;
}

/** Splits lines into events. */
class EventParser {
  #type = "";
  readonly #data: string[] = [];

  /** Takes one line. Returns the event that it ends. */
  take(line: string): StreamEvent | undefined {
    if (line === "") {
      const event = { type: this.#type || "message", data: this.#data.splice(0).join("\n") };
      this.#type = "";
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
 * @param heard is called with each piece of the stream, also of comments
 */
export async function* readEvents(body: ReadableStream<Uint8Array>, heard: () => void): AsyncGenerator<StreamEvent> {
  const reader = body.getReader();
  const decoder = new TextDecoder();
  const parser = new EventParser();
  let rest = "";
  try {
    for (;;) {
      const { done, value } = await reader.read();
      if (done) return;
      heard();
      const lines = (rest + decoder.decode(value, { stream: true })).split("\n");
      rest = lines.pop() ?? "";
      for (const line of lines) {
        const event = parser.take(line);
        if (event !== undefined) yield event;
      }
    }
  } finally {
    // The stream may have failed already.
    await reader.cancel().catch(() => undefined);
  }
}
