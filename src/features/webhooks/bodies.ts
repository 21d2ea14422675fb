/**
 * Keeps the bodies of the deliveries that are in flight, with reference counts. Each body is in memory only once, even
 * if many webhooks receive it. The total size is limited in bytes. Small bodies may exceed the limit, because the
 * number of webhooks limits their number. Runs on the front.
 */
import { WEBHOOK_BODIES_BYTES_MAX, WEBHOOK_SMALL_BODY_BYTES } from "../../../schemas/limits/webhooks.js";

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

  /** The size of all bodies in bytes. */
  get bytes(): number {
    return this.#bytes;
  }

  /**
   * Returns the body of an event, and counts a reference to it. Returns "full" if there is no memory for it now, and
   * "gone" if no webhook needs it any more.
   */
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

  /** Releases one reference to a body. */
  release(event: number): void {
    const held = this.#held.get(event);
    if (held === undefined) return;
    held.users -= 1;
    if (held.users > 0) return;
    this.#held.delete(event);
    this.#bytes -= held.body.byteLength;
  }
}
