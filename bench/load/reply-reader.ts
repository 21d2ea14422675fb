/**
 * Finds the end of a reply in a stream of bytes, for one request in flight per connection: HTTP/1.1 with a
 * Content-Length, or one RESP value. It looks at the status and the length only, because every cycle that it spends is
 * one that cannot drive the server. Runs in the load generator.
 */

/** The reply is whole and as expected, whole and different, incomplete, or unreadable. */
export type ReplyState = "expected" | "other" | "more" | "broken";

export interface ReplyReader {
  /** Takes the first `length` bytes of `bytes`. */
  feed(bytes: Buffer, length: number): ReplyState;
}

/** A head or a RESP line that is longer than this is unreadable. */
const HEAD_BYTES_MAX = 16_384;
const CONTENT_LENGTH = /\r\ncontent-length: *(\d+)/i;
/** Statuses whose replies never have a body. */
const BODILESS = new Set([204, 304]);

/** The common part of both protocols: a head as text, then a body of known length. */
abstract class FramedReader implements ReplyReader {
  #head = "";
  #bodyLeft = 0;
  #state: "expected" | "other" = "other";

  feed(bytes: Buffer, length: number): ReplyState {
    let taken = 0;
    if (this.#bodyLeft === 0) {
      const before = this.#head.length;
      // At most as much of the body is copied as fits into the longest head.
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
    // There are more bytes than the reply has: with one request in flight that is another protocol.
    if (this.#bodyLeft < 0) return "broken";
    return this.#state;
  }

  /** Index after the head, or -1. */
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
    // A value that is not there counts as a refusal, because the run would measure something else.
    return length < 0 ? { expected: false, bodyBytes: 0 } : { expected: true, bodyBytes: length + 2 };
  }
}

/**
 * Reads the replies to a write and a WAIT that were sent as one. The pair is answered when the requested number of
 * replicas has the write.
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
 * Makes the reader for a protocol. `expectedStatus` is the HTTP status that counts as answered; RESP has errors of its
 * own.
 */
export function createReplyReader(protocol: Protocol, expectedStatus: number): ReplyReader {
  return READERS[protocol](expectedStatus);
}
