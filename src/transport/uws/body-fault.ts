/**
 * What uWebSockets.js lets pass of a request with a body, and two readers of the same bytes may take for bodies of
 * different lengths, or for another server's: a proxy before the server, and the server. Malformed names and values it
 * does not read at all.
 */
import type { HttpRequest } from "uWebSockets.js";
import { CODING_UNKNOWN, HOST_IN_DOUBT, isKnownCoding, LENGTH_IN_DOUBT } from "../ambiguity.js";

const DIGITS = /^\d+$/;

/** Why the end of a request's body is in doubt, or whom it is meant for; null where neither is. */
export function bodyFaultOf(req: HttpRequest): string | null {
  let fault: string | null = null;
  let hosts = 0;
  let lengths = 0;
  req.forEach((name, value) => {
    if (name === "host") hosts += 1;
    else if (name === "content-length") {
      lengths += 1;
      if (lengths > 1 || !DIGITS.test(value)) fault = LENGTH_IN_DOUBT;
    } else if (name === "transfer-encoding" && !isKnownCoding(value)) {
      fault = CODING_UNKNOWN;
    }
  });
  return hosts > 1 ? HOST_IN_DOUBT : fault;
}
