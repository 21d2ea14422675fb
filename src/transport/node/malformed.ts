/**
 * What is answered to bytes that are no request, or no request that may be taken: the API's error shape over a bare
 * socket, whose connection then ends. Nothing of it reaches a route.
 */
import type { IncomingMessage, ServerResponse } from "node:http";
import type { Duplex } from "node:stream";
import { CODING_UNKNOWN, HOST_IN_DOUBT, isKnownCoding } from "../ambiguity.js";
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
const NO_HOST: Refusal = { status: 400, reason: HOST_IN_DOUBT };
const UNKNOWN_CODING: Refusal = { status: 400, reason: CODING_UNKNOWN };
const HOST = "host";

function bodyOf({ status, reason }: Refusal): string {
  return `${JSON.stringify({ error: reason, code: status })}\n`;
}

function answerBare(socket: Duplex, refusal: Refusal, { head_only = false, more = "" } = {}): void {
  const body = bodyOf(refusal);
  socket.end(
    `HTTP/1.1 ${refusal.status} ${http.STATUS_CODES[refusal.status]}\r\nConnection: close\r\n${more}` +
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

/** Why it is in doubt for whom a request is meant, or where it ends; null where neither is. */
function doubtOf({ rawHeaders, headers, httpVersionMinor }: IncomingMessage): Refusal | null {
  const coding = headers["transfer-encoding"];
  if (coding !== undefined && !isKnownCoding(coding)) return UNKNOWN_CODING;
  let hosts = 0;
  for (let at = 0; at < rawHeaders.length; at += 2) {
    const name = rawHeaders[at] ?? "";
    if (name.length === HOST.length && name.toLowerCase() === HOST) hosts += 1;
  }
  return hosts === 1 || (hosts === 0 && httpVersionMinor === 0) ? null : NO_HOST;
}

/**
 * Refuses a request that Node's parser lets pass, and that who stands between may read in another way.
 * @returns whether it was refused
 */
export function refuseAmbiguous(req: IncomingMessage, res: ServerResponse): boolean {
  const refusal = doubtOf(req);
  if (refusal === null) return false;
  const body = bodyOf(refusal);
  res.writeHead(refusal.status, {
    "Content-Type": "application/json",
    "Content-Length": Buffer.byteLength(body),
    Connection: "close",
  });
  res.end(body);
  return true;
}
