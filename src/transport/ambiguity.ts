/** What is said of a request that who stands between may read in another way, whichever transport sees it. Pure. */

export const HOST_IN_DOUBT = "the request needs exactly one Host header";
export const LENGTH_IN_DOUBT = "the request's Content-Length is ambiguous";
export const CODING_UNKNOWN = "the request's transfer coding is unknown";

/** Whether a Transfer-Encoding is the one that is understood. */
export function isKnownCoding(value: string): boolean {
  return value.toLowerCase() === "chunked";
}
