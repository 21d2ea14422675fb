/**
 * What is answered to bytes that are no request, or no request that may be taken: the API's error shape over a bare
 * socket, whose connection then ends. Nothing of it reaches a route.
 */
import type { IncomingMessage, ServerResponse } from "node:http";
import type { Duplex } from "node:stream";
import { REASON_PHRASES } from "../../../schemas/status.js";

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
const NO_HOST: Refusal = { status: 400, reason: "the request needs exactly one Host header" };

function bodyOf({ status, reason }: Refusal): string {
  return `${JSON.stringify({ error: reason, code: status })}\n`;
}

/** Whether something went out on the socket that an answer must not stand behind. */
interface AnsweredSocket {
  readonly _httpMessage?: ServerResponse | null;
}

/** Answers what could not be parsed, where that can still be done, and ends the connection. */
export function refuseUnparsed(error: Error, socket: Duplex & { readonly bytesRead?: number }): void {
  const { code = "" } = error as NodeJS.ErrnoException;
  const under_way = (socket as AnsweredSocket)._httpMessage;
  const begun = under_way !== undefined && under_way !== null && under_way.headersSent;
  if (!socket.writable || code === "ECONNRESET" || begun || socket.bytesRead === 0) {
    socket.destroy();
    return;
  }
  const refusal = REFUSALS[code] ?? MALFORMED;
  const body = bodyOf(refusal);
  socket.end(
    `HTTP/1.1 ${refusal.status} ${REASON_PHRASES[refusal.status]}\r\nConnection: close\r\n` +
      `Content-Type: application/json\r\nContent-Length: ${Buffer.byteLength(body)}\r\n\r\n${body}`,
    () => socket.destroy(),
  );
}

/**
 * Refuses a request that does not say once for whom it is meant: who stands between may read another name.
 * @returns whether it was refused
 */
export function refuseHostless(req: IncomingMessage, res: ServerResponse): boolean {
  const { rawHeaders } = req;
  let hosts = 0;
  for (let at = 0; at < rawHeaders.length; at += 2) {
    const name = rawHeaders[at] ?? "";
    if (name.length === 4 && name.toLowerCase() === "host") hosts += 1;
  }
  if (hosts === 1 || (hosts === 0 && req.httpVersionMinor === 0)) return false;
  const body = bodyOf(NO_HOST);
  res.writeHead(NO_HOST.status, {
    "Content-Type": "application/json",
    "Content-Length": Buffer.byteLength(body),
    Connection: "close",
  });
  res.end(body);
  return true;
}
