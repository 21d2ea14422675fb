/**
 * Limits the nesting of JSON texts, as RFC 8259 allows. The server passes values on to other programs, whose parsers
 * may recurse. A deeply nested value could crash them. Pure, any thread.
 */
import { JSON_DEPTH_MAX } from "../../schemas/limits/request-bodies.js";
import { type Failure, invalid } from "./result.js";

const QUOTE = 0x22;
const OPEN_BRACKET = 0x5b;
const BACKSLASH = 0x5c;
const CLOSE_BRACKET = 0x5d;
const OPEN_BRACE = 0x7b;
const CLOSE_BRACE = 0x7d;
/** The bytes that may precede the first value: blanks, and the bytes of a byte order mark. */
const LEADING: ReadonlySet<number> = new Set(Buffer.from("\uFEFF \t\r\n"));

const WORD_BYTES = 4;
/** Constants for operations on words. Each constant repeats one byte four times. */
const LOW_BITS = 0x01010101;
const HIGH_BITS = 0x80808080;
const ALL_BUT_HIGH_BITS = 0x7f7f7f7f;
const QUOTES = 0x22222222;
const BACKSLASHES = 0x5c5c5c5c;
/**
 * The bits that are equal in all four brackets (`[`, `]`, `{`, `}`). Masked with them, each bracket equals
 * SAME_BRACKETS. A bracket also has exactly one of two other bits: 0x02 if it opens, 0x04 if it closes.
 */
const BRACKET_BITS = 0xd9d9d9d9;
const SAME_BRACKETS = 0x59595959;

/** Returns the 400 for JSON that is nested deeper than `depthMax`. */
export function tooDeep(depthMax: number): Failure {
  return invalid(`JSON is nested deeper than ${depthMax} levels`);
}

const TOO_DEEP = tooDeep(JSON_DEPTH_MAX);

/** Finds the zero bytes of a word. For each of them, the high bit of that byte is set in the result. */
function zeroBytes(word: number): number {
  return ~(((word & ALL_BUT_HIGH_BITS) + ALL_BUT_HIGH_BITS) | word | ALL_BUT_HIGH_BITS);
}

/** Counts the bytes whose high bit is set. The word must have no other bits. */
function countBytes(word: number): number {
  return Math.imul(word >>> 7, LOW_BITS) >>> 24;
}

/**
 * Measures the nesting of a JSON text, piece by piece. The scan stops at the end of the first value, or at the first
 * level above the limit. It does not check whether the text is JSON, because a recursive parser would go equally deep
 * before it finds an error.
 *
 * The scan examines four bytes at once, without a branch for each string, because the processor cannot predict the ends
 * of short strings. It takes about 1 ms for a megabyte.
 */
export class DepthScan {
  readonly #bytes: Uint8Array;
  readonly #words: DataView;
  #at = 0;
  #depth = 0;
  /** HIGH_BITS while the scan is inside a string, otherwise 0. */
  #inString = 0;
  /** Whether the next byte is escaped by a backslash. */
  #isEscaped = false;
  #hasEnded: boolean;

  constructor(bytes: Uint8Array) {
    this.#bytes = bytes;
    this.#words = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
    // A text cannot have more levels than bytes, because each level takes at least one byte. So a short text needs no
    // scan.
    this.#hasEnded = bytes.length <= JSON_DEPTH_MAX;
    if (this.#hasEnded) return;
    while (LEADING.has(bytes[this.#at] ?? 0)) this.#at += 1;
    const first = bytes[this.#at];
    this.#hasEnded = first !== OPEN_BRACKET && first !== OPEN_BRACE;
  }

  /** Scans `count` more bytes, rounded up to whole words. Returns whether the scan has ended. */
  advance(count = Number.MAX_SAFE_INTEGER): boolean {
    const words = this.#words;
    const { length } = this.#bytes;
    const stop = Math.min(length, this.#at + count);
    while (this.#at < stop && !this.#hasEnded) {
      const wordsEnd = Math.min(stop, length - WORD_BYTES + 1);
      let at = this.#at;
      let depth = this.#depth;
      let inString = this.#inString;
      // Scan word by word. Stop before a word with a backslash, and before a word at which the scan may end. Such a
      // word is read byte by byte below.
      for (; at < wordsEnd && !this.#isEscaped; at += WORD_BYTES) {
        const word = words.getInt32(at, true);
        if (zeroBytes(word ^ BACKSLASHES) !== 0) break;
        const quotes = zeroBytes(word ^ QUOTES);
        // A byte is inside a string if an odd number of quotes precedes it or is at it. `inString` adds the quotes of
        // earlier words.
        let strings = quotes ^ (quotes << 8);
        strings ^= (strings << 16) ^ inString;
        const ones = (word << 6) ^ (word << 5);
        const brackets = zeroBytes((word & BRACKET_BITS) ^ SAME_BRACKETS) & ones & ~strings;
        if (brackets !== 0) {
          const opens = countBytes(brackets & (word << 6));
          const closes = countBytes(brackets) - opens;
          if (depth + opens > JSON_DEPTH_MAX || depth <= closes) break;
          depth += opens - closes;
        }
        inString = (strings >> 31) & HIGH_BITS;
      }
      this.#at = at;
      this.#depth = depth;
      this.#inString = inString;
      for (const end = Math.min(length, at + WORD_BYTES); this.#at < end && !this.#hasEnded; this.#at++)
        this.#step(this.#bytes[this.#at] as number);
    }
    this.#hasEnded ||= this.#at >= length;
    return this.#hasEnded;
  }

  /** The 400 if the scanned part is nested too deep; otherwise null. */
  get refusal(): Failure | null {
    return this.#depth > JSON_DEPTH_MAX ? TOO_DEEP : null;
  }

  get hasEnded(): boolean {
    return this.#hasEnded;
  }

  #step(byte: number): void {
    if (this.#isEscaped) this.#isEscaped = false;
    else if (byte === QUOTE) this.#inString ^= HIGH_BITS;
    else if (this.#inString !== 0) this.#isEscaped = byte === BACKSLASH;
    else if (byte === OPEN_BRACKET || byte === OPEN_BRACE) this.#depth += 1;
    else if (byte === CLOSE_BRACKET || byte === CLOSE_BRACE) this.#depth -= 1;
    else return;
    this.#hasEnded = this.#depth === 0 || this.#depth > JSON_DEPTH_MAX;
  }
}

/** Returns the 400 for a body that is nested deeper than JSON_DEPTH_MAX. Returns null for any other body. */
export function refuseDepth(body: Uint8Array): Failure | null {
  const scan = new DepthScan(body);
  scan.advance();
  return scan.refusal;
}
