/**
 * What is said of a request that who stands between may read in another way, and of one that asks for something no
 * server here does, whichever transport sees it. Pure.
 */
import { Failure, invalid } from "../base/result.js";

export const HOST_IN_DOUBT = invalid("the request needs exactly one Host header");
export const LENGTH_IN_DOUBT = invalid("the request's Content-Length is ambiguous");
export const CODING_UNKNOWN = invalid("the request's transfer coding is unknown");
const EXPECTATION_UNKNOWN = new Failure("EXPECTATION_FAILED", "the only expectation that is met is 100-continue");

/** Whether a Transfer-Encoding is the one that is understood. */
export function isKnownCoding(value: string): boolean {
  return value.toLowerCase() === "chunked";
}

/** Whether the client waits with its body for a go-ahead. The value's case does not matter (RFC 9110, 10.1.1). */
export function expectsContinue(value: string): boolean {
  return value.toLowerCase() === "100-continue";
}

/** The 417 for an expectation that is not met; null for the one that is, and for none (""). */
export function refuseExpectation(value: string): Failure | null {
  return value === "" || expectsContinue(value) ? null : EXPECTATION_UNKNOWN;
}

/** Headers that have one value: of two, two readers may take a different one. */
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
]);

/**
 * The 400 for a header that stands there again; null where its lines together are one list.
 * @param name in lower case
 */
export function refuseRepeated(name: string): Failure | null {
  if (name === "host") return HOST_IN_DOUBT;
  if (name === "content-length") return LENGTH_IN_DOUBT;
  return SINGLE.has(name) ? invalid(`the request has more than one ${name} header`) : null;
}
