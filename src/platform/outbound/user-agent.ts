/**
 * The `User-Agent` of the requests that servers of Koor send to addresses that a client has chosen. The client chooses
 * the path and the body of such a request, but not this header. So a receiver recognizes the request by it. Pure.
 */
import { VERSION } from "../../../schemas/version.js";

export const OUTBOUND_USER_AGENT = `koor/${VERSION}`;

/** Earlier versions sent `koor` without a version in live tests of contracts. */
const OF_SERVER = /^koor(?:\/|$)/;

/** Returns whether a server of Koor has sent a request, given its `User-Agent`. */
export function isOfServer(userAgent: string): boolean {
  return OF_SERVER.test(userAgent);
}
