/**
 * Holds the headers of a request, which it reads once from uWebSockets.js. The library's own lookup returns only the
 * first of several lines, and treats an empty header like a missing one. This class also finds requests that a proxy
 * may read differently from the server: the proxy may see another host, or a body of another length. The library
 * accepts such requests, and skips malformed names and values.
 */
import type { HttpRequest } from "uWebSockets.js";
import type { Failure } from "../../../base/result.js";
import {
  CODING_UNKNOWN,
  HOST_AMBIGUOUS,
  isKnownCoding,
  LENGTH_AMBIGUOUS,
  refuseExpectation,
  refuseRepeated,
} from "../ambiguity.js";

const DIGITS = /^\d+$/;
const CLOSE = /(?:^|,)[ \t]*close[ \t]*(?:,|$)/i;

/** Returns the failure that refuses a header line; null if the line is valid. */
function faultOf(name: string, value: string): Failure | null {
  switch (name) {
    case "content-length":
      return DIGITS.test(value) ? null : LENGTH_AMBIGUOUS;
    case "transfer-encoding":
      return isKnownCoding(value) ? null : CODING_UNKNOWN;
    case "expect":
      return refuseExpectation(value);
    default:
      return null;
  }
}

export class RequestHead {
  readonly #names: string[] = [];
  readonly #values: string[] = [];
  /** The reason why the request must not be executed; null if it may be executed. */
  readonly fault: Failure | null;

  constructor(req: HttpRequest) {
    const names = this.#names;
    const values = this.#values;
    let fault: Failure | null = null;
    req.forEach((name, value) => {
      fault ??= faultOf(name, value);
      const before = names.indexOf(name);
      if (before < 0) {
        names.push(name);
        values.push(value);
        return;
      }
      const repeated = refuseRepeated(name);
      if (repeated === null) values[before] += (name === "cookie" ? "; " : ", ") + value;
      else if (fault === null || repeated === HOST_AMBIGUOUS) fault = repeated;
    });
    this.fault = fault;
  }

  has(name: string): boolean {
    return this.#names.includes(name);
  }

  /**
   * Returns a header by its name; "" if it is missing. If the header has several lines, they are joined to one list.
   */
  get(name: string): string {
    const index = this.#names.indexOf(name);
    // Do not look up the index -1 of an absent header, because that would be a slow search by name.
    return index < 0 ? "" : (this.#values[index] ?? "");
  }

  /** Content-Length; 0 if there is none. */
  get contentLength(): number {
    return Number(this.get("content-length"));
  }

  /** Whether the body is chunked. */
  get chunked(): boolean {
    return this.get("transfer-encoding") !== "";
  }

  /** Whether the client asks to end the connection after the answer. */
  get closes(): boolean {
    return CLOSE.test(this.get("connection"));
  }

  /**
   * Whether uWebSockets.js ends the connection after the answer. It compares only the length of the request's
   * Connection header, so it does so for each value with the five characters of `close`. The library does not tell the
   * client, so the server must add `Connection: close` to the answer.
   */
  get libraryCloses(): boolean {
    return this.get("connection").length === "close".length;
  }
}
