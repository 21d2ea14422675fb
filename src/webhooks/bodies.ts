/**
 * Bodies that are being sent, each once however many webhooks get it, and how much memory they may take.
 * Lives on the front. Small bodies always pass: all of them together are bounded by the number of webhooks.
 */
import { WEBHOOK_BODIES_BYTES_MAX, WEBHOOK_SMALL_BODY_BYTES } from "../../schemas/limits.js";

interface Held {
  readonly body: Buffer;
  users: number;
}

export class Bodies {
  readonly #read: (event: number) => string | undefined;
  readonly #held = new Map<number, Held>();
  #bytes = 0;

  constructor(read: (event: number) => string | undefined) {
    this.#read = read;
  }

  /** Bytes that are held. */
  get bytes(): number {
    return this.#bytes;
  }

  /** The body of an event; "full" where there is no room now, "gone" where it waits for nobody any more. */
  take(event: number, bytes: number): Buffer | "full" | "gone" {
    const held = this.#held.get(event);
    if (held !== undefined) {
      held.users += 1;
      return held.body;
    }
    if (bytes > WEBHOOK_SMALL_BODY_BYTES && this.#bytes > 0 && this.#bytes + bytes > WEBHOOK_BODIES_BYTES_MAX)
      return "full";
    const text = this.#read(event);
    if (text === undefined) return "gone";
    const body = Buffer.from(text);
    this.#held.set(event, { body, users: 1 });
    this.#bytes += body.byteLength;
    return body;
  }

  /** One user less. */
  release(event: number): void {
    const held = this.#held.get(event);
    if (held === undefined) return;
    held.users -= 1;
    if (held.users > 0) return;
    this.#held.delete(event);
    this.#bytes -= held.body.byteLength;
  }
}
