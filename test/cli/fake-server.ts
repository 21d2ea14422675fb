/**
 * A fake server that records every request and sends the replies that the test chooses, including faults. Supports HTTP
 * and WebSocket on a free loopback port. The tests of the command line share it.
 */
import { createServer, type IncomingHttpHeaders, type IncomingMessage, type Server } from "node:http";
import type { AddressInfo, Socket } from "node:net";
import { WebSocketServer, type WebSocket } from "ws";

export interface SeenRequest {
  readonly method: string;
  /** The path and query as sent, without decoding. */
  readonly url: string;
  readonly headers: IncomingHttpHeaders;
  readonly body: Buffer;
}

export interface HttpReply {
  readonly status?: number;
  readonly type?: string;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body: string | Buffer;
}

/** A reply or a fault. `close` cuts the connection, and `half` cuts it in the middle of a body. */
export type Reply = HttpReply | "close" | "half";

/** The reply to an upgrade: a WebSocket, an HTTP answer, or a cut connection. */
export type UpgradeReply = "accept" | HttpReply | "close";

export function replyJson(value: unknown, status = 200): HttpReply {
  return { status, body: JSON.stringify(value) };
}

export function replyError(status: number, error: string): HttpReply {
  return replyJson({ error, code: status }, status);
}

async function readBody(request: IncomingMessage): Promise<Buffer> {
  const chunks: Buffer[] = [];
  for await (const chunk of request as AsyncIterable<Buffer>) chunks.push(chunk);
  return Buffer.concat(chunks);
}

function formatHttp(reply: HttpReply): string {
  const body = reply.body.toString();
  const head = `HTTP/1.1 ${reply.status ?? 200} X\r\nContent-Type: ${reply.type ?? "application/json"}`;
  return `${head}\r\nContent-Length: ${Buffer.byteLength(body)}\r\nConnection: close\r\n\r\n${body}`;
}

export class FakeServer {
  readonly requests: SeenRequest[] = [];
  /** The URL of every upgrade request. */
  readonly upgrades: string[] = [];
  readonly sockets: WebSocket[] = [];
  answer: (request: SeenRequest) => Reply = () => replyJson({});
  answerUpgrade: (url: string) => UpgradeReply = () => "accept";
  /** Additional headers in the answer to an accepted upgrade. */
  upgradeHeaders: readonly string[] = [];
  /** Called with each accepted WebSocket. */
  onSocket: (socket: WebSocket, url: URL, headers: IncomingHttpHeaders) => void = () => undefined;
  private readonly http: Server;
  private readonly webSockets = new WebSocketServer({ noServer: true });
  private readonly connections = new Set<Socket>();

  private constructor() {
    this.http = createServer((request, response) => {
      void readBody(request).then((body) => {
        const seen = { method: request.method ?? "", url: request.url ?? "", headers: request.headers, body };
        this.requests.push(seen);
        const reply = this.answer(seen);
        if (reply === "close") {
          request.socket.destroy();
          return;
        }
        if (reply === "half") {
          response.writeHead(200, { "Content-Type": "application/json", "Content-Length": 100 });
          response.write('{"half":', () => request.socket.destroy());
          return;
        }
        response.writeHead(reply.status ?? 200, { "Content-Type": reply.type ?? "application/json", ...reply.headers });
        response.end(reply.body);
      });
    });
    this.webSockets.on("headers", (headers) => headers.push(...this.upgradeHeaders));
    this.http.on("connection", (socket) => {
      this.connections.add(socket);
      socket.once("close", () => this.connections.delete(socket));
    });
    this.http.on("upgrade", (request, socket, head) => {
      const url = request.url ?? "";
      this.upgrades.push(url);
      const reply = this.answerUpgrade(url);
      if (reply === "close") socket.destroy();
      else if (reply !== "accept") socket.end(formatHttp(reply));
      else {
        this.webSockets.handleUpgrade(request, socket, head, (webSocket) => {
          this.sockets.push(webSocket);
          this.onSocket(webSocket, new URL(url, "http://fake"), request.headers);
        });
      }
    });
  }

  /** Starts a server on a free port, or on the given port. */
  static async start(port = 0): Promise<FakeServer> {
    const fake = new FakeServer();
    await new Promise<void>((resolve) => fake.http.listen(port, "127.0.0.1", resolve));
    return fake;
  }

  get port(): number {
    return (this.http.address() as AddressInfo).port;
  }

  get url(): string {
    return `http://127.0.0.1:${this.port}`;
  }

  /** Cuts every connection and stops listening. */
  async stop(): Promise<void> {
    for (const connection of this.connections) connection.destroy();
    await new Promise<void>((resolve) => this.http.close(() => resolve()));
  }
}
