/**
 * Finds the end of a reply in a stream of bytes, if one request is in flight per connection. A reply is an HTTP/1.1
 * response with a Content-Length, or one RESP value. The reader looks only at the status and the length, because CPU
 * time that it uses cannot go into load for the server. Runs in the load generator.
 */

/** The state of a reply: whole and as expected, whole but different, incomplete, or unreadable. */
export type ReplyState = "expected" | "other" | "more" | "broken";

export interface ReplyReader {
  /** Reads the first `length` bytes of `bytes`. */
  feed(bytes: Buffer, length: number): ReplyState;
}

/** The maximum length of a head or a RESP line. A longer one counts as unreadable. */
const HEAD_BYTES_MAX = 16_384;
const CONTENT_LENGTH = /\r\ncontent-length: *(\d+)/i;
/** The HTTP statuses whose replies never have a body. */
const BODILESS = new Set([204, 304]);

/** The part that both protocols share: a head, which is text, and then a body of known length. */
abstract class FramedReader implements ReplyReader {
  #head = "";
  #bodyLeft = 0;
  #state: "expected" | "other" = "other";

  feed(bytes: Buffer, length: number): ReplyState {
    let taken = 0;
    if (this.#bodyLeft === 0) {
      const before = this.#head.length;
      // The copy needs only the head, so it takes no more bytes than the longest head has.
      const text = this.#head + bytes.toString("latin1", 0, Math.min(length, HEAD_BYTES_MAX));
      const end = this.findHeadEnd(text);
      if (end < 0) {
        this.#head = text;
        return text.length >= HEAD_BYTES_MAX ? "broken" : "more";
      }
      this.#head = "";
      const reply = this.readHead(text, end);
      if (reply === undefined) return "broken";
      this.#state = reply.expected ? "expected" : "other";
      this.#bodyLeft = reply.bodyBytes;
      taken = end - before;
    }
    this.#bodyLeft -= length - taken;
    if (this.#bodyLeft > 0) return "more";
    // Bytes follow the end of the reply. With one request in flight there is no other reply, so this is not the
    // protocol.
    if (this.#bodyLeft < 0) return "broken";
    return this.#state;
  }

  /** Returns the index after the end of the head, or -1 if the head is incomplete. */
  protected abstract findHeadEnd(text: string): number;
  protected abstract readHead(text: string, end: number): { expected: boolean; bodyBytes: number } | undefined;
}

class HttpReplyReader extends FramedReader {
  readonly #expected: number;

  constructor(expected: number) {
    super();
    this.#expected = expected;
  }

  protected override findHeadEnd(text: string): number {
    const end = text.indexOf("\r\n\r\n");
    return end < 0 ? -1 : end + 4;
  }

  protected override readHead(text: string, end: number): { expected: boolean; bodyBytes: number } | undefined {
    if (!text.startsWith("HTTP/1.1 ")) return undefined;
    const status = Number(text.slice(9, 12));
    if (BODILESS.has(status)) return { expected: status === this.#expected, bodyBytes: 0 };
    const length = CONTENT_LENGTH.exec(text);
    if (length === null || length.index >= end) return undefined;
    return { expected: status === this.#expected, bodyBytes: Number(length[1]) };
  }
}

class RedisReplyReader extends FramedReader {
  protected override findHeadEnd(text: string): number {
    const end = text.indexOf("\r\n");
    return end < 0 ? -1 : end + 2;
  }

  protected override readHead(text: string, end: number): { expected: boolean; bodyBytes: number } | undefined {
    const kind = text[0];
    if (kind === "+" || kind === ":") return { expected: true, bodyBytes: 0 };
    if (kind === "-") return { expected: false, bodyBytes: 0 };
    if (kind !== "$") return undefined;
    const length = Number(text.slice(1, end - 2));
    // A missing value counts as a refusal, because the run would not measure what it claims to measure.
    return length < 0 ? { expected: false, bodyBytes: 0 } : { expected: true, bodyBytes: length + 2 };
  }
}

/**
 * Reads the two replies to a write and a WAIT, which are sent together. The pair counts as answered when the requested
 * number of replicas has the write.
 */
class WaitedReplyReader implements ReplyReader {
  #text = "";

  feed(bytes: Buffer, length: number): ReplyState {
    this.#text += bytes.toString("latin1", 0, Math.min(length, HEAD_BYTES_MAX));
    if (this.#text.length >= HEAD_BYTES_MAX) return "broken";
    const [written, waited, rest] = this.#text.split("\r\n");
    if (written === undefined || waited === undefined || rest === undefined) return "more";
    this.#text = "";
    if (rest !== "") return "broken";
    return written === "+OK" && waited.startsWith(":") && waited !== ":0" ? "expected" : "other";
  }
}

const READERS = {
  http: (expectedStatus: number) => new HttpReplyReader(expectedStatus),
  redis: () => new RedisReplyReader(),
  "redis, waited for": () => new WaitedReplyReader(),
} as const;

export type Protocol = keyof typeof READERS;

/**
 * Makes the reader for a protocol. `expectedStatus` is the expected HTTP status; RESP ignores it, because a RESP reply
 * says itself whether it is an error.
 */
export function createReplyReader(protocol: Protocol, expectedStatus: number): ReplyReader {
  return READERS[protocol](expectedStatus);
}
