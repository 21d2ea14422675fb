/**
 * Answers requests that cannot be parsed or must not be executed. The answer has the API's error format. It is written
 * directly to the socket, and ends the connection. No route sees such a request.
 */
import type { IncomingMessage, ServerResponse } from "node:http";
import type { Duplex } from "node:stream";
import type { Failure } from "../../../base/result.js";
import { CODING_UNKNOWN, HOST_AMBIGUOUS, isKnownCoding, refuseExpectation, refuseRepeated } from "../ambiguity.js";
import { http } from "./http.js";

interface Refusal {
  readonly status: number;
  readonly reason: string;
}

/** The answers, by the error code of Node or of its parser llhttp. */
const REFUSALS: Readonly<Record<string, Refusal>> = {
  HPE_HEADER_OVERFLOW: { status: 431, reason: "the request's headers are too large" },
  HPE_CHUNK_EXTENSIONS_OVERFLOW: { status: 413, reason: "the chunk extensions are too large" },
  ERR_HTTP_REQUEST_TIMEOUT: { status: 408, reason: "the request was not complete in time" },
};
const MALFORMED: Refusal = { status: 400, reason: "malformed HTTP request" };

function bodyOf({ status, reason }: Refusal): string {
  return `${JSON.stringify({ error: reason, code: status })}\n`;
}

function answerBare(socket: Duplex, refusal: Refusal, { headOnly = false, more = "" } = {}): void {
  const body = bodyOf(refusal);
  socket.end(
    `HTTP/1.1 ${refusal.status} ${http.STATUS_CODES[refusal.status]}\r\nConnection: close\r\nCache-Control: no-store\r\n${more}` +
      `Content-Type: application/json\r\nContent-Length: ${Buffer.byteLength(body)}\r\n\r\n${headOnly ? "" : body}`,
    () => socket.destroy(),
  );
}

const HEAD = "HEAD ";

/** An error of Node's parser, with the bytes that it could not parse. */
interface ParseError extends Error {
  readonly rawPacket?: Buffer;
}

/**
 * Answers a request that could not be parsed, if an answer is still possible. Then ends the connection.
 * @param last the answer to the connection's last valid request; it may not be sent yet
 */
export function refuseUnparsed(
  error: Error,
  socket: Duplex & { readonly bytesRead?: number },
  last: ServerResponse | undefined,
): void {
  const { code = "" } = error as NodeJS.ErrnoException;
  // If this connection's last request is being refused already, this error belongs to the same request. Write nothing
  // more. The parser reports such a late error in two cases. It reports a wrong transfer coding only after it has
  // delivered the request's headers. If the coding is empty, it takes the body for the next request.
  if (last !== undefined && last.headersSent && !last.writableFinished && faultOf(last.req) !== null) {
    socket.end(() => socket.destroy());
    return;
  }
  // Do not answer while the previous request is being answered. The client would take this refusal for the previous
  // answer, or would get it in the middle of that answer.
  const misplaced = last !== undefined && !last.writableFinished && (last.headersSent || last.req.complete);
  if (!socket.writable || code === "ECONNRESET" || misplaced || socket.bytesRead === 0) {
    socket.destroy();
    return;
  }
  const refusal = REFUSALS[code] ?? MALFORMED;
  const headOnly = (error as ParseError).rawPacket?.toString("latin1", 0, HEAD.length) === HEAD;
  answerBare(socket, refusal, { headOnly });
}

/** Refuses a handshake that the WebSocket library cannot complete. The library's message names the invalid header. */
export function refuseHandshake(error: Error, socket: Duplex): void {
  answerBare(socket, { status: 400, reason: error.message }, { more: "Sec-WebSocket-Version: 13, 8\r\n" });
}

/**
 * Checks a request that Node's parser has accepted. Returns the failure for a request that a proxy may read
 * differently; else null.
 */
export function faultOf({ rawHeaders, headers, httpVersionMinor }: IncomingMessage): Failure | null {
  const { "transfer-encoding": coding, expect = "" } = headers;
  if (headers.host === undefined && httpVersionMinor !== 0) return HOST_AMBIGUOUS;
  if (coding !== undefined && !isKnownCoding(coding)) return CODING_UNKNOWN;
  const names = new Set<string>();
  for (let at = 0; at < rawHeaders.length; at += 2) {
    const name = (rawHeaders[at] ?? "").toLowerCase();
    const repeated = names.has(name) ? refuseRepeated(name) : null;
    if (repeated !== null) return repeated;
    names.add(name);
  }
  return refuseExpectation(expect);
}
