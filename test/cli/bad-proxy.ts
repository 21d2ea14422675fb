/**
 * A reverse proxy on loopback that handles some requests as badly configured proxies do. The tests of the command line
 * share it. Runs in the test's process, and ends with the test.
 */
import { once } from "node:events";
import { createServer, request as startRequest, type IncomingMessage, type ServerResponse } from "node:http";
import { connect, type AddressInfo, type Socket } from "node:net";
import type { Owner } from "../support/owner.js";

/**
 * The fault of the proxy. `plain`: forwards HTTP but no upgrades, so the server gets a plain request. `silent`: never
 * answers an upgrade. `mute`: forwards the answer to an upgrade, and nothing after it. `buffering`: answers only when
 * the server's answer is complete. `headers`: forwards the headers of an answer and buffers its body. `stripping`:
 * removes the header Accept.
 */
export type ProxyFault = "plain" | "silent" | "mute" | "buffering" | "headers" | "stripping";

export interface BadProxy {
  readonly url: string;
}

function forward(port: number, fault: ProxyFault, request: IncomingMessage, response: ServerResponse): void {
  const { upgrade: _upgrade, connection: _connection, ...rest } = request.headers;
  const headers = fault === "stripping" ? { ...rest, accept: "text/html" } : rest;
  const { method, url } = request;
  const onward = startRequest({ host: "127.0.0.1", port, method, path: url, headers, agent: false }, (answer) => {
    const { statusCode = 502, headers: answered } = answer;
    if (fault === "headers") {
      response.writeHead(statusCode, answered);
      response.flushHeaders();
    }
    if (fault !== "buffering" && fault !== "headers") {
      response.writeHead(statusCode, answered);
      answer.pipe(response);
      return;
    }
    const chunks: Buffer[] = [];
    answer.on("error", () => response.destroy());
    answer.on("data", (chunk: Buffer) => chunks.push(chunk));
    answer.on("end", () => {
      if (fault === "buffering") response.writeHead(statusCode, answered);
      response.end(Buffer.concat(chunks));
    });
  });
  onward.on("error", () => response.destroy());
  response.on("close", () => onward.destroy());
  request.pipe(onward);
}

/** Forwards an upgrade to the server, and returns only the beginning of the server's answer. */
function upgradeMutely(port: number, request: IncomingMessage, socket: Socket): void {
  const onward = connect(port, "127.0.0.1");
  const lines = [`${request.method ?? "GET"} ${request.url ?? "/"} HTTP/1.1`];
  for (let at = 0; at < request.rawHeaders.length; at += 2)
    lines.push(`${request.rawHeaders[at] ?? ""}: ${request.rawHeaders[at + 1] ?? ""}`);
  onward.write(`${lines.join("\r\n")}\r\n\r\n`);
  onward.once("data", (head: Buffer) => socket.write(head));
  onward.on("error", () => socket.destroy());
  socket.on("error", () => onward.destroy());
  socket.on("close", () => onward.destroy());
}

/** @param port the port of the server behind the proxy */
export async function startProxy(t: Owner, port: number, fault: ProxyFault): Promise<BadProxy> {
  const sockets = new Set<Socket>();
  const server = createServer((request, response) => forward(port, fault, request, response));
  server.on("connection", (socket) => {
    sockets.add(socket);
    socket.once("close", () => sockets.delete(socket));
  });
  if (fault === "silent") server.on("upgrade", (_, socket) => socket.on("error", () => undefined));
  if (fault === "mute") server.on("upgrade", (request, socket) => upgradeMutely(port, request, socket as Socket));
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  t.teardown(() => {
    server.close();
    for (const socket of sockets) socket.destroy();
  });
  return { url: `http://127.0.0.1:${(server.address() as AddressInfo).port}` };
}
