/**
 * Sends one request over a bare socket and reads the answer. It reads only the kinds of answers that Koor's server and
 * proxies send. The body has a length, or comes in chunks, or ends with the connection. Runs in the process of
 * `koor-hook`.
 */
import { connect, type Socket } from "node:net";

import { CLI_HOOK_BYTES_MAX, CLI_HOOK_TIMEOUT_MS } from "../../schemas/limits/cli.js";
import type { HookProject } from "./hook-project.js";

const HEAD_END = "\r\n\r\n";
const HTTPS_PORT = 443;
const HTTP_PORT = 80;

function openSocket(server: URL): Socket {
  const host = server.hostname.replace(/^\[|\]$/g, "");
  const isTls = server.protocol === "https:";
  const port = Number(server.port) || (isTls ? HTTPS_PORT : HTTP_PORT);
  if (!isTls) return connect({ host, port });
  // Load TLS only if it is needed. Most servers do not use it, and loading it takes longer than the request.
  const tls = process.getBuiltinModule("node:tls");
  return tls.connect({ host, port, servername: /[a-z]/i.test(host) && !host.includes(":") ? host : "" });
}

/** Decodes a body in chunks. Returns undefined if it is not complete yet. */
function decodeChunks(body: Buffer): Buffer | undefined {
  const chunks: Buffer[] = [];
  for (let at = 0; ; ) {
    const end = body.indexOf("\r\n", at);
    if (end < 0) return undefined;
    const size = Number.parseInt(body.toString("latin1", at, end), 16);
    if (!Number.isInteger(size) || size < 0) throw new Error("the answer is not HTTP");
    if (size === 0) return Buffer.concat(chunks);
    const start = end + 2;
    if (body.length < start + size) return undefined;
    chunks.push(body.subarray(start, start + size));
    at = start + size + 2;
  }
}

/** Returns the body if the answer is complete; undefined if more data must arrive. */
function readAnswer(bytes: Buffer, isEnded: boolean): string | undefined {
  const headEnd = bytes.indexOf(HEAD_END);
  if (headEnd < 0) {
    if (isEnded) throw new Error("the connection was closed before the answer");
    return undefined;
  }
  const [status = "", ...lines] = bytes.toString("latin1", 0, headEnd).split("\r\n");
  const code = /^HTTP\/1\.[01] (\d{3})/.exec(status)?.[1];
  if (code === undefined) throw new Error("the answer is not HTTP");
  if (code !== "200") throw new Error(`the server refused (${code})`);
  const headers = new Map(
    lines.map((line): [string, string] => {
      const at = line.indexOf(":");
      return [line.slice(0, at).toLowerCase(), line.slice(at + 1).trim()];
    }),
  );
  const body = bytes.subarray(headEnd + HEAD_END.length);
  if (/\bchunked$/i.test(headers.get("transfer-encoding") ?? "")) return decodeChunks(body)?.toString("utf8");
  const length = headers.get("content-length");
  if (length === undefined) return isEnded ? body.toString("utf8") : undefined;
  return body.length < Number(length) ? undefined : body.toString("utf8", 0, Number(length));
}

/** Sends the input of a hook to the server and returns the answer. Rejects if no usable answer comes in time. */
export async function sendHook({ server, headers }: HookProject, path: string, input: Buffer): Promise<string> {
  const all = {
    Host: server.host,
    "Content-Type": "application/json",
    "Content-Length": `${input.length}`,
    Connection: "close",
    // Tell the server that background-reports.ts reports changed files. The server then does not ask the agent to
    // report them.
    "X-Koor-Reports": "1",
    ...headers,
  };
  const lines = Object.entries(all).map(([name, value]) => `${name}: ${value}\r\n`);
  const target = server.pathname.replace(/\/+$/, "") + path;
  const socket = openSocket(server);
  return await new Promise((resolve, reject) => {
    const settle = (isEnded: boolean): void => {
      try {
        const answer = readAnswer(received, isEnded);
        if (answer !== undefined) finish(() => resolve(answer));
        else if (isEnded) throw new Error("the connection was closed before the answer");
      } catch (error) {
        finish(() => reject(error));
      }
    };
    const finish = (end: () => void): void => {
      clearTimeout(timer);
      socket.destroy();
      end();
    };
    const timer = setTimeout(
      () => finish(() => reject(new Error(`${server.host} does not answer`))),
      CLI_HOOK_TIMEOUT_MS,
    );
    let received: Buffer = Buffer.alloc(0);
    socket.on("data", (chunk: Buffer) => {
      received = Buffer.concat([received, chunk]);
      if (received.length > CLI_HOOK_BYTES_MAX) finish(() => reject(new Error("the answer is too long")));
      else settle(false);
    });
    socket.on("end", () => settle(true));
    socket.on("error", (error) => finish(() => reject(error)));
    socket.write(`POST ${target} HTTP/1.1\r\n${lines.join("")}\r\n`);
    socket.write(input);
  });
}
