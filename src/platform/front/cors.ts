/**
 * Builds CORS headers. With them, a browser lets a page of an allowed origin read the server's answers. The request
 * guard decides which origins are allowed. Pure.
 */
import { PREFLIGHT_MAX_AGE_S } from "../../../schemas/limits/connections.js";
import { NEXT_HEADER } from "../../../schemas/next-header.js";
import { headerBlock, type WireReply } from "../transport/reply.js";
import { POSITION_HEADER } from "./positions.js";

/** Answer headers that a page of an allowed origin may read, in addition to those that CORS always exposes. */
const READABLE = [
  "ETag",
  "X-Koor-Version",
  POSITION_HEADER,
  NEXT_HEADER,
  "Retry-After",
  "Allow",
  "WWW-Authenticate",
].join(", ");
/** Request headers that a page of an allowed origin may send, in addition to those that CORS always permits. */
const SENDABLE = [
  "Authorization",
  "Content-Type",
  "If-Match",
  "If-None-Match",
  "Last-Event-ID",
  "X-Koor-Instance",
  "X-Koor-Session",
  "X-Koor-Fence",
  "X-Koor-After",
  "X-Koor-Workspace",
  "X-Koor-Hops",
  "MCP-Protocol-Version",
  "Mcp-Method",
  "Mcp-Name",
  "Mcp-Session-Id",
].join(", ");

/**
 * Returns the reply with the headers that let a page of this origin read it.
 * @param origin the `Origin` header of the request. It cannot contain line ends, so it can be copied into a header of
 * the reply.
 */
export function withCorsHeaders(origin: string, reply: WireReply): WireReply {
  const { name, rest } = reply.headers;
  return {
    ...reply,
    headers: {
      name,
      rest:
        `${rest}\r\nAccess-Control-Allow-Origin: ${origin}\r\n` +
        `Access-Control-Expose-Headers: ${READABLE}\r\nVary: Origin`,
    },
  };
}

const VALIDATED = "\r\nCache-Control: no-cache";
const CORP = "Cross-Origin-Resource-Policy";

/**
 * Returns the reply with a header that forbids pages of other origins to embed it as a script, image or frame. Browsers
 * treat all ports of a host as one site. So without the header, a page from another port of this host could embed the
 * answer, and the browser would send this host's cookies.
 */
export function sameOriginOnly(reply: WireReply): WireReply {
  const { name, rest } = reply.headers;
  // Add the header only once, because browsers ignore it if an answer contains it twice.
  if (name === CORP || rest.includes(`\r\n${CORP}: `)) return reply;
  return { ...reply, headers: { name, rest: `${rest}\r\n${CORP}: same-origin` } };
}

/**
 * Returns a reply that the browser does not keep. Otherwise, the Back button shows a value that the browser has in its
 * cache, even after a log-out and although the value has to be validated before its use.
 */
export function notKept(reply: WireReply): WireReply {
  const { name, rest } = reply.headers;
  if (!rest.includes(VALIDATED)) return reply;
  return { ...reply, headers: { name, rest: rest.replace(VALIDATED, "\r\nCache-Control: no-store") } };
}

/** The answer to a CORS preflight. */
export function preflightReply(methods: readonly string[]): WireReply {
  return {
    status: 204,
    body: null,
    headers: headerBlock([
      ["Access-Control-Allow-Methods", methods.join(", ")],
      ["Access-Control-Allow-Headers", SENDABLE],
      ["Access-Control-Allow-Private-Network", "true"],
      ["Access-Control-Max-Age", String(PREFLIGHT_MAX_AGE_S)],
    ]),
  };
}
