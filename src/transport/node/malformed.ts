/**
 * What is answered to bytes that are no request, or no request that may be taken: the API's error shape over a bare
 * socket, whose connection then ends. Nothing of it reaches a route.
 */
import type { IncomingMessage, ServerResponse } from "node:http";
import type { Duplex } from "node:stream";
import type { Failure } from "../../base/result.js";
import { CODING_UNKNOWN, HOST_IN_DOUBT, isKnownCoding, refuseExpectation, refuseRepeated } from "../ambiguity.js";
import { http } from "./http.js";

interface Refusal {
  readonly status: number;
  readonly reason: string;
}

/** By the code of Node's or llhttp's error. */
const REFUSALS: Readonly<Record<string, Refusal>> = {
  HPE_HEADER_OVERFLOW: { status: 431, reason: "the request's headers are too large" },
  HPE_CHUNK_EXTENSIONS_OVERFLOW: { status: 413, reason: "the chunk extensions are too large" },
  ERR_HTTP_REQUEST_TIMEOUT: { status: 408, reason: "the request was not complete in time" },
};
const MALFORMED: Refusal = { status: 400, reason: "malformed HTTP request" };

function bodyOf({ status, reason }: Refusal): string {
  return `${JSON.stringify({ error: reason, code: status })}\n`;
}

function answerBare(socket: Duplex, refusal: Refusal, { head_only = false, more = "" } = {}): void {
  const body = bodyOf(refusal);
  socket.end(
    `HTTP/1.1 ${refusal.status} ${http.STATUS_CODES[refusal.status]}\r\nConnection: close\r\nCache-Control: no-store\r\n${more}` +
      `Content-Type: application/json\r\nContent-Length: ${Buffer.byteLength(body)}\r\n\r\n${head_only ? "" : body}`,
    () => socket.destroy(),
  );
}

const HEAD = "HEAD ";

/** What Node's parser throws: with the bytes that it stumbled over. */
interface ParseError extends Error {
  readonly rawPacket?: Buffer;
}

/**
 * Answers what could not be parsed, where that can still be done, and ends the connection.
 * @param last the connection's last request that could be, answered or not
 */
export function refuseUnparsed(
  error: Error,
  socket: Duplex & { readonly bytesRead?: number },
  last: ServerResponse | undefined,
): void {
  const { code = "" } = error as NodeJS.ErrnoException;
  // An answer would be taken for that of the request before, which is carried out, or stand in the middle of it.
  const misplaced = last !== undefined && !last.writableFinished && (last.headersSent || last.req.complete);
  if (!socket.writable || code === "ECONNRESET" || misplaced || socket.bytesRead === 0) {
    socket.destroy();
    return;
  }
  const refusal = REFUSALS[code] ?? MALFORMED;
  const head_only = (error as ParseError).rawPacket?.toString("latin1", 0, HEAD.length) === HEAD;
  answerBare(socket, refusal, { head_only });
}

/** Refuses a handshake that the WebSocket library cannot complete: its message says which header is wrong. */
export function refuseHandshake(error: Error, socket: Duplex): void {
  answerBare(socket, { status: 400, reason: error.message }, { more: "Sec-WebSocket-Version: 13, 8\r\n" });
}

/**
 * Why a request that Node's parser lets pass is not to be carried out: who stands between may read it in another way;
 * null where nobody can.
 */
export function doubtOf({ rawHeaders, headers, httpVersionMinor }: IncomingMessage): Failure | null {
  const { "transfer-encoding": coding, expect = "" } = headers;
  if (headers.host === undefined && httpVersionMinor !== 0) return HOST_IN_DOUBT;
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
