/**
 * Parses a server's WebSocket messages from the bytes of a bare connection. The frames are not masked (RFC 6455, 5.2),
 * and the fragments of a message are joined. Pure except for its state.
 */

export const OPCODE_TEXT = 1;
export const OPCODE_CLOSE = 8;
const OPCODE_CONTINUATION = 0;
const FINAL = 0x80;

/** A message, or a control frame. */
export interface SocketMessage {
  readonly opcode: number;
  readonly payload: Buffer;
}

export class MessageReader {
  readonly #take: (message: SocketMessage) => void;
  #rest: Buffer = Buffer.alloc(0);
  /** The fragments of the message that is still incomplete. */
  #fragments: SocketMessage[] = [];

  constructor(take: (message: SocketMessage) => void) {
    this.#take = take;
  }

  read(chunk: Buffer): void {
    this.#rest = Buffer.concat([this.#rest, chunk]);
    for (;;) {
      const rest = this.#rest;
      if (rest.length < 2) return;
      const short = rest.readUInt8(1) & 0x7f;
      const header = short < 126 ? 2 : short === 126 ? 4 : 10;
      if (rest.length < header) return;
      const length = short < 126 ? short : short === 126 ? rest.readUInt16BE(2) : Number(rest.readBigUInt64BE(2));
      if (rest.length < header + length) return;
      this.#rest = rest.subarray(header + length);
      this.#add(rest.readUInt8(0), rest.subarray(header, header + length));
    }
  }

  #add(first: number, payload: Buffer): void {
    const opcode = first & 0x0f;
    const isFinal = (first & FINAL) !== 0;
    // A control frame is complete by itself, and may come between the fragments of a message.
    if (isFinal && opcode !== OPCODE_CONTINUATION) {
      this.#take({ opcode, payload });
      return;
    }
    this.#fragments.push({ opcode, payload });
    if (!isFinal) return;
    const [begun, ...others] = this.#fragments;
    this.#fragments = [];
    if (begun === undefined) return;
    this.#take({
      opcode: begun.opcode,
      payload: Buffer.concat([begun.payload, ...others.map((fragment) => fragment.payload)]),
    });
  }
}
