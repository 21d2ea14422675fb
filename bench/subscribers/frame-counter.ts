/**
 * Counts the text frames in a server's WebSocket stream without looking into them: the cheapest possible subscriber.
 * Runs in the subscriber process; its caller has the sockets, pongs and deadlines.
 */

export interface FrameEvents {
  /** Is called for each whole text frame. */
  readonly text: () => void;
  /** Is called for each whole ping. Its payload is small and rarely used, so an empty pong answers it. */
  readonly ping: () => void;
  /** Is called for a close frame. */
  readonly close: () => void;
}

const OPCODE_TEXT = 1;
const OPCODE_CLOSE = 8;
const OPCODE_PING = 9;
const FIN = 0x80;
const SHORT_LENGTH_MAX = 125;
const TWO_BYTE_LENGTH = 126;
const HEAD_BYTES_MAX = 10;
const TWO_TO_32 = 2 ** 32;

/** A pong without payload, masked with zeros, as a client's frames must be masked. */
export const PONG_FRAME = Buffer.from([0x8a, 0x80, 0, 0, 0, 0]);

export class FrameCounter {
  readonly #events: FrameEvents;
  /** The bytes of a frame's head that the end of a read has cut. */
  readonly #head = Buffer.alloc(HEAD_BYTES_MAX);
  #headBytes = 0;
  #payloadLeft = 0;
  #opcode = 0;

  constructor(events: FrameEvents) {
    this.#events = events;
  }

  /** Takes the bytes from `start` to `end`. @returns false when they cannot be frames of a server */
  feed(bytes: Uint8Array, start: number, end: number): boolean {
    let position = start;
    while (position < end) {
      if (this.#payloadLeft > 0) {
        const taken = Math.min(this.#payloadLeft, end - position);
        this.#payloadLeft -= taken;
        position += taken;
        if (this.#payloadLeft === 0) this.#complete();
        continue;
      }
      this.#head[this.#headBytes++] = bytes[position++] ?? 0;
      if (!this.#readHead()) return false;
    }
    return true;
  }

  /** Checks whether the head is whole. @returns false when no server sends such a head */
  #readHead(): boolean {
    const first = this.#head[0] ?? 0;
    const second = this.#head[1] ?? 0;
    if (this.#headBytes < 2) return (first & FIN) !== 0;
    // The mask bit is set: only clients mask.
    if ((second & 0x80) !== 0) return false;
    const wanted = second <= SHORT_LENGTH_MAX ? 2 : second === TWO_BYTE_LENGTH ? 4 : HEAD_BYTES_MAX;
    if (this.#headBytes < wanted) return true;
    this.#opcode = first & 0x0f;
    this.#headBytes = 0;
    if (wanted === 2) this.#payloadLeft = second;
    else if (wanted === 4) this.#payloadLeft = this.#head.readUInt16BE(2);
    else this.#payloadLeft = this.#head.readUInt32BE(2) * TWO_TO_32 + this.#head.readUInt32BE(6);
    if (this.#payloadLeft === 0) this.#complete();
    return true;
  }

  #complete(): void {
    if (this.#opcode === OPCODE_TEXT) this.#events.text();
    else if (this.#opcode === OPCODE_PING) this.#events.ping();
    else if (this.#opcode === OPCODE_CLOSE) this.#events.close();
  }
}
