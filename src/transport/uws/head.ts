/**
 * The headers of a request as uWebSockets.js has parsed them, read once: its own look-up gives the first of several
 * lines, and does not tell an empty one from none. It lets pass what two readers may take for bodies of different
 * lengths, or for another server's: a proxy before the server, and the server. Malformed names and values it does not
 * read at all.
 */
import type { HttpRequest } from "uWebSockets.js";
import type { Failure } from "../../base/result.js";
import {
  CODING_UNKNOWN,
  HOST_IN_DOUBT,
  isKnownCoding,
  LENGTH_IN_DOUBT,
  refuseExpectation,
  refuseRepeated,
} from "../ambiguity.js";

const DIGITS = /^\d+$/;
const CLOSE = /(?:^|,)[ \t]*close[ \t]*(?:,|$)/i;

/** Why a line of a header cannot be taken; null where it can. */
function faultOf(name: string, value: string): Failure | null {
  switch (name) {
    case "content-length":
      return DIGITS.test(value) ? null : LENGTH_IN_DOUBT;
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
  /** Why the request is not to be carried out; null where it may be. */
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
      else if (fault === null || repeated === HOST_IN_DOUBT) fault = repeated;
    });
    this.fault = fault;
  }

  has(name: string): boolean {
    return this.#names.includes(name);
  }

  /** The lines of a header as one list, "" where there is none. */
  get(name: string): string {
    return this.#values[this.#names.indexOf(name)] ?? "";
  }

  /** Whether the body comes in chunks. */
  get chunked(): boolean {
    return this.get("transfer-encoding") !== "";
  }

  /** Whether the client wants the connection to end with the answer. */
  get closes(): boolean {
    return CLOSE.test(this.get("connection"));
  }

  /**
   * Whether the library ends the connection with the answer: it takes each value of so many characters for `close`, and
   * then leaves it to the server to say so.
   */
  get library_closes(): boolean {
    return this.get("connection").length === "close".length;
  }
}
