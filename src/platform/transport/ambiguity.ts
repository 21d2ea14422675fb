/**
 * Defines which requests are refused because a proxy may read them differently from the server. Requests with an
 * unknown transfer coding or expectation are also refused. Both transports use this file. Pure.
 */
import { Failure, invalid } from "../../base/result.js";

export const HOST_AMBIGUOUS = invalid("the request needs exactly one Host header");
export const LENGTH_AMBIGUOUS = invalid("the request's Content-Length is ambiguous");
export const CODING_UNKNOWN = invalid("the request's transfer coding is unknown");
const EXPECTATION_UNKNOWN = new Failure("EXPECTATION_FAILED", "the only expectation that is met is 100-continue");

/** Whether the server understands a value of `Transfer-Encoding`. */
export function isKnownCoding(value: string): boolean {
  return value.toLowerCase() === "chunked";
}

/**
 * Whether the client waits for `100 Continue` before it sends its body. The value's case does not matter (RFC 9110,
 * section 10.1.1).
 */
export function expectsContinue(value: string): boolean {
  return value.toLowerCase() === "100-continue";
}

/** Returns the 417 failure for an expectation that the server does not support; null for `100-continue` and "". */
export function refuseExpectation(value: string): Failure | null {
  return value === "" || expectsContinue(value) ? null : EXPECTATION_UNKNOWN;
}

/**
 * The headers that may occur only once. If such a header had two lines, a proxy and the server might read different
 * lines.
 */
const SINGLE = new Set([
  "authorization",
  "content-length",
  "content-type",
  "expect",
  "if-modified-since",
  "if-unmodified-since",
  "last-event-id",
  "transfer-encoding",
  "x-koor-after",
  "x-koor-fence",
  "x-koor-hops",
  "x-koor-instance",
  "x-koor-session",
]);

/**
 * Returns the 400 failure for a header that occurs several times in a request. Returns null if the header may occur
 * several times, because its lines form one list.
 * @param name in lower case
 */
export function refuseRepeated(name: string): Failure | null {
  if (name === "host") return HOST_AMBIGUOUS;
  if (name === "content-length") return LENGTH_AMBIGUOUS;
  return SINGLE.has(name) ? invalid(`the request has more than one ${name} header`) : null;
}
