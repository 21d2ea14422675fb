/**
 * Checks the headers that decide whether a request may be executed, for example conditions such as `If-Match`. A
 * condition that the server cannot parse is answered with 400. If the server ignored it, it would skip a check that the
 * client wants. Pure.
 */
import { isSessionId, SESSION_ID_RULE } from "../../../schemas/session-id.js";
import { NEEDS_INSTANCE } from "../../base/needs-instance.js";
import { Failure, invalid } from "../../base/result.js";
import type { Exchange } from "../transport/transport.js";
import type { Route } from "./route.js";

/**
 * Headers that must not be empty. An empty header shows that the client has lost the value, for example because a
 * variable was not set.
 */
const NEVER_EMPTY = ["X-Koor-Fence", "X-Koor-After", "X-Koor-Hops", "X-Koor-Workspace", "Last-Event-ID"] as const;
/** HTTP's conditional headers. If a route ignored one of them, it would write even if the condition is false. */
const CONDITIONS = ["If-Match", "If-None-Match", "If-Unmodified-Since", "Content-Range"] as const;

type Names = readonly (readonly [header: string, name: string])[];

function namesOf(headers: readonly string[]): Names {
  return headers.map((header) => [header, header.toLowerCase()]);
}

const NEVER_EMPTY_NAMES = namesOf(NEVER_EMPTY);
const CONDITION_NAMES = namesOf(CONDITIONS);

const NO_SESSION_ID = invalid(`X-Koor-Session ${SESSION_ID_RULE}`);

/** Returns the 400 failure if a header that needs a value is empty, or if the session id is malformed; else null. */
export function refuseWrongHeaders(exchange: Exchange): Failure | null {
  for (const [header, name] of NEVER_EMPTY_NAMES)
    if (exchange.has(name) && exchange.header(name) === "") return invalid(`${header} must not be empty`);
  return exchange.has("x-koor-session") && !isSessionId(exchange.header("x-koor-session")) ? NO_SESSION_ID : null;
}

/**
 * Checks the conditions of a write. Returns the 400 failure if a condition is empty or not supported by the route; else
 * null. Also refuses an empty X-Koor-Instance, because the write would have no actor. The empty header is accepted only
 * from a message to /mcp, because it is not known yet whether the message's tool writes.
 */
export function refuseConditions({ headers, countedAs }: Route, exchange: Exchange): Failure | null {
  const isUnnamed = exchange.has("x-koor-instance") && exchange.header("x-koor-instance") === "";
  if (isUnnamed && countedAs !== "mcp") return NEEDS_INSTANCE;
  for (const [header, name] of CONDITION_NAMES) {
    if (!exchange.has(name)) continue;
    if (headers === undefined || !(name in headers)) return invalid(`${header} is not taken here`);
    if (exchange.header(name) === "") return invalid(`${header} must not be empty`);
  }
  return null;
}

const ENCODED = new Failure("UNSUPPORTED_MEDIA_TYPE", "a body is taken as it is, without a Content-Encoding");

/**
 * Returns the 415 failure for an encoded body, for example a compressed one (`Content-Encoding`); null for a plain
 * body.
 */
export function refuseCoding(exchange: Exchange): Failure | null {
  const codings = exchange.header("content-encoding");
  if (codings === "") return null;
  return codings.split(",").every((coding) => coding.trim().toLowerCase() === "identity") ? null : ENCODED;
}
