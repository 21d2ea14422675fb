/**
 * The CORS headers that let the page of an allowed origin read answers. The request guard decides which origins are
 * allowed: nothing here refuses. Pure.
 */
import { PREFLIGHT_MAX_AGE_S } from "../../schemas/limits.js";
import { headerBlock, type WireReply } from "../transport/reply.js";

/** Headers of answers that such a page may read, beside those that every page may. */
const READABLE = "ETag, X-Koor-Version, X-Koor-Position, X-Koor-Next, Retry-After, Allow";
/** Headers that such a page may send, beside those that every page may. */
const SENDABLE = [
  "Authorization",
  "Content-Type",
  "If-Match",
  "If-None-Match",
  "Last-Event-ID",
  "X-Koor-Instance",
  "X-Koor-Fence",
  "X-Koor-After",
  "MCP-Protocol-Version",
  "Mcp-Method",
  "Mcp-Name",
  "Mcp-Session-Id",
].join(", ");

/** A reply that a page of this origin may read. `origin` is a header's value, hence without line ends. */
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

const CORP = "Cross-Origin-Resource-Policy";

/**
 * A reply that no page of another origin can embed as its script, image or frame. The ports of one host are one site:
 * browsers send the host's cookies with what a page of another port embeds.
 */
export function sameOriginOnly(reply: WireReply): WireReply {
  const { name, rest } = reply.headers;
  // Browsers ignore a header that is there twice.
  if (name === CORP || rest.includes(`\r\n${CORP}: `)) return reply;
  return { ...reply, headers: { name, rest: `${rest}\r\n${CORP}: same-origin` } };
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
