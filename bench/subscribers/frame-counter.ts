/**
 * Counts the text frames of a server's WebSocket stream without reading their contents. This makes the cheapest
 * possible subscriber. The caller has the sockets, sends the pongs and sets the deadlines. Runs in the subscriber
 * process.
 */

export interface FrameEvents {
  /** Called for each complete text frame. */
  readonly text: () => void;
  /**
   * Called for each complete ping. The subscriber answers with an empty pong, because servers rarely put a payload into
   * a ping.
   */
  readonly ping: () => void;
  /** Called for a close frame. */
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

/** A pong frame without payload. Its mask is zero: the protocol demands that a client's frames have one. */
export const PONG_FRAME = Buffer.from([0x8a, 0x80, 0, 0, 0, 0]);

export class FrameCounter {
  readonly #events: FrameEvents;
  /** The bytes of a frame's header that an earlier read ended with, if it ended inside a header. */
  readonly #head = Buffer.alloc(HEAD_BYTES_MAX);
  #headBytes = 0;
  #payloadLeft = 0;
  #opcode = 0;

  constructor(events: FrameEvents) {
    this.#events = events;
  }

  /**
   * Reads the bytes from `start` to `end`.
   * @returns false if they cannot be frames of a server
   */
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

  /**
   * Parses the frame's header if it is complete.
   * @returns false if no server sends such a header
   */
  #readHead(): boolean {
    const first = this.#head[0] ?? 0;
    const second = this.#head[1] ?? 0;
    if (this.#headBytes < 2) return (first & FIN) !== 0;
    // The mask bit is set, and only clients mask their frames.
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
