/**
 * Sends requests to a server under test exactly as they are given: paths are not normalized, headers may repeat, and
 * `sendRaw` sends bytes that no client library would send. One connection serves many requests, so that an answer with
 * a wrong length breaks the next request. Runs in the test's process.
 */
import { once } from "node:events";
import { Agent, request as httpRequest, type IncomingMessage, type OutgoingHttpHeaders } from "node:http";
import { connect, type Socket } from "node:net";
import { Readable } from "node:stream";
import { pipeline } from "node:stream/promises";
import type { Owner } from "./owner.js";

/** Matches the answer of Node's HTTP transport to bytes that violate the protocol. */
export const MALFORMED = /^HTTP\/1\.1 400 /;

/**
 * The time after which an idle connection is closed. It is shorter than the server's 10 s, so that no request uses a
 * connection that the server is closing.
 */
const IDLE_CONNECTION_MS = 4_000;

const agent = new Agent({ keepAlive: true, maxSockets: 64, timeout: IDLE_CONNECTION_MS });

export interface Answer {
  readonly status: number;
  readonly headers: IncomingMessage["headers"];
  readonly body: Buffer;
  readonly text: string;
  /** Returns the body as JSON; throws if it is not JSON. */
  json<T = unknown>(): T;
}

export interface RequestOptions {
  readonly headers?: OutgoingHttpHeaders;
  readonly body?: string | Uint8Array;
  /** The source address on loopback; 127.0.0.1 by default. */
  readonly from?: string;
  /** The pieces of a body that is sent in chunks instead of `body`. */
  readonly chunks?: Iterable<string | Uint8Array> | AsyncIterable<string | Uint8Array>;
}

/** The body of a refusal. */
export interface Refusal {
  readonly error: string;
  readonly code: number;
}

/** Another node of the server's cluster, which gets every second read. */
interface OtherNode {
  readonly port: number;
  /** The log position of the newest answer of either node. */
  position: number;
  reads: number;
}

const otherNodes = new Map<number, OtherNode>();
/**
 * Matches reads of stored data. A node's status is not among them, and neither is its view of agents within a second,
 * because they belong to the node.
 */
const OF_ALL =
  /^\/api\/(?:state|specs|rules|contracts|templates|compliance|leases|tasks|messages|audit|events\/history)\b/;
/** Matches waiting calls. Their number belongs to the node. */
const WAITS = /[?&]wait=/;
/** The headers that make the answer contain the server's address. */
const NAMING = new Set(["host", "origin"]);
const POSITION_HEADER = "x-koor-position";

/** Makes every second read of this server go to another node. The other node first has to reach the same position. */
export function readElsewhere(port: number, otherPort: number): void {
  otherNodes.set(port, { port: otherPort, position: 0, reads: 0 });
}

/** Returns the port and the headers for a request. */
function routeOf(
  port: number,
  method: string,
  path: string,
  headers: OutgoingHttpHeaders,
): { port: number; headers: OutgoingHttpHeaders } {
  const other = otherNodes.get(port);
  if (other === undefined || !["GET", "HEAD"].includes(method) || !OF_ALL.test(path) || WAITS.test(path))
    return { port, headers };
  if (Object.keys(headers).some((name) => NAMING.has(name.toLowerCase()))) return { port, headers };
  other.reads += 1;
  const reached = { "X-Koor-After": String(other.position), ...headers };
  return { port: other.reads % 2 === 1 ? port : other.port, headers: reached };
}

function answerOf(message: IncomingMessage, body: Buffer): Answer {
  return {
    status: message.statusCode ?? 0,
    headers: message.headers,
    body,
    get text() {
      return body.toString("utf8");
    },
    json: <T>() => JSON.parse(body.toString("utf8")) as T,
  };
}

/**
 * Sends one request and returns its whole answer.
 * @param port on 127.0.0.1
 * @param path with its query, exactly as in the request line
 */
export function send(
  port: number,
  method: string,
  path: string,
  { headers = {}, body, from, chunks }: RequestOptions = {},
): Promise<Answer> {
  return new Promise((resolve, reject) => {
    let answered = false;
    const length = body === undefined ? {} : { "Content-Length": Buffer.byteLength(body) };
    const route = routeOf(port, method, path, { ...length, ...headers });
    const request = httpRequest(
      {
        host: "127.0.0.1",
        port: route.port,
        agent,
        method,
        path,
        headers: route.headers,
        ...(from === undefined ? {} : { localAddress: from }),
      },
      (message) => {
        answered = true;
        const other = otherNodes.get(port);
        if (other !== undefined)
          other.position = Math.max(other.position, Number(message.headers[POSITION_HEADER] ?? 0));
        const parts: Buffer[] = [];
        message.on("data", (part: Buffer) => parts.push(part));
        message.on("error", reject);
        message.on("end", () => resolve(answerOf(message, Buffer.concat(parts))));
      },
    );
    // A server that has answered may stop reading the rest of the request, so a later error is ignored.
    request.on("error", (error) => {
      if (!answered) reject(error);
    });
    if (chunks === undefined) {
      request.end(body);
      return;
    }
    // An error while the chunks are sent is reported as the error of the request.
    pipeline(Readable.from(chunks), request).catch(() => undefined);
  });
}

/** Sends JSON. A string is sent unchanged. */
export function sendJson(
  port: number,
  method: string,
  path: string,
  body: unknown,
  headers: OutgoingHttpHeaders = {},
): Promise<Answer> {
  const text = typeof body === "string" ? body : JSON.stringify(body);
  return send(port, method, path, { body: text, headers: { "Content-Type": "application/json", ...headers } });
}

/** Opens a connection that ends with the test. Data that is written is sent at once, piece by piece. */
export async function dial(t: Owner, port: number): Promise<Socket> {
  const socket = connect({ port, host: "127.0.0.1", noDelay: true });
  t.teardown(() => void socket.destroy());
  socket.on("error", () => undefined);
  await once(socket, "connect");
  return socket;
}

/** Resolves when a socket is closed for any reason. `once` of node:events would reject after a reset. */
export function closeOf(socket: Socket): Promise<void> {
  return new Promise((resolve) => {
    if (socket.closed) resolve();
    else socket.once("close", () => resolve());
  });
}

/**
 * Sends bytes on a new connection. Collects the answer until the server closes the connection, or until `enough`
 * returns true.
 */
export function sendRaw(
  port: number,
  bytes: string | Uint8Array,
  enough: (text: string) => boolean = hasWholeAnswer,
): Promise<string> {
  return new Promise((resolve, reject) => {
    let text = "";
    const socket = connect(port, "127.0.0.1", () => socket.write(bytes));
    socket.setEncoding("latin1");
    socket.on("data", (chunk: string) => {
      text += chunk;
      if (enough(text)) socket.destroy();
    });
    socket.on("error", reject);
    socket.on("close", () => resolve(text));
  });
}

/** Whether a text has the head of an answer, and as many bytes of body as its Content-Length says. */
export function hasWholeAnswer(text: string): boolean {
  const end = text.indexOf("\r\n\r\n");
  if (end < 0) return false;
  const length = /^content-length: (\d+)/im.exec(text.slice(0, end));
  return text.length >= end + 4 + Number(length?.[1] ?? 0);
}
