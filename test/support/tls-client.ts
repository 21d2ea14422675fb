/** Sends requests, and raw bytes, over TLS to a server that has several names. Runs in the test's process. */
import { Agent, request as httpsRequest, type RequestOptions } from "node:https";
import type { IncomingMessage, OutgoingHttpHeaders } from "node:http";
import { connect } from "node:tls";
import { WebSocket } from "ws";
import type { Owner } from "./owner.js";

const LOOPBACK = "127.0.0.1";

/** One of the names of a server that listens on a loopback port with a certificate for tests. */
export class TlsClient {
  readonly #agent: Agent;

  constructor(
    t: Owner,
    readonly port: number,
    readonly name: string,
  ) {
    this.#agent = new Agent({ keepAlive: true, rejectUnauthorized: false, servername: name });
    t.teardown(() => this.#agent.destroy());
  }

  /** The origin of the name at the standard port, as users see it. The `Host` header therefore has no port. */
  get origin(): string {
    return `https://${this.name}`;
  }

  #options(method: string, path: string, headers: OutgoingHttpHeaders): RequestOptions {
    return {
      host: LOOPBACK,
      port: this.port,
      agent: this.#agent,
      method,
      path,
      headers: { Host: this.name, ...headers },
    };
  }

  /** Sends a request. Resolves when the head of the answer has come. A body that is an array is sent in chunks. */
  begin(
    method: string,
    path: string,
    { headers = {}, body }: { headers?: OutgoingHttpHeaders; body?: string | Buffer | readonly string[] } = {},
  ): Promise<IncomingMessage> {
    return new Promise((resolve, reject) => {
      const isChunked = Array.isArray(body);
      const length = body === undefined || isChunked ? {} : { "Content-Length": Buffer.byteLength(body as string) };
      const request = httpsRequest(this.#options(method, path, { ...length, ...headers }), resolve);
      request.on("error", reject);
      if (isChunked) for (const chunk of body) request.write(chunk);
      request.end(isChunked ? undefined : body);
    });
  }

  async send(
    method: string,
    path: string,
    options: Parameters<TlsClient["begin"]>[2] = {},
  ): Promise<{ status: number; headers: IncomingMessage["headers"]; body: Buffer; text: string }> {
    const message = await this.begin(method, path, options);
    const parts: Buffer[] = [];
    for await (const part of message) parts.push(part as Buffer);
    const body = Buffer.concat(parts);
    return { status: message.statusCode ?? 0, headers: message.headers, body, text: body.toString("utf8") };
  }

  /** Opens a WebSocket, which ends with the test. Resolves when it is open. */
  openSocket(t: Owner, path: string, headers: Readonly<Record<string, string>> = {}): Promise<WebSocket> {
    return new Promise((resolve, reject) => {
      const socket = new WebSocket(`wss://${LOOPBACK}:${this.port}${path}`, {
        agent: this.#agent,
        headers: { Host: this.name, ...headers },
      });
      t.teardown(() => socket.terminate());
      socket.once("error", reject);
      socket.once("open", () => resolve(socket));
    });
  }

  /**
   * Sends bytes on a new connection. After the first answer, sends a last request, so that the server answers
   * everything that it has read and then closes the connection. Returns all answers.
   */
  sendRaw(bytes: string): Promise<string> {
    const last = `GET /health HTTP/1.1\r\nHost: ${this.name}\r\nConnection: close\r\n\r\n`;
    return new Promise((resolve, reject) => {
      let text = "";
      let isLastSent = false;
      const socket = connect(
        {
          host: LOOPBACK,
          port: this.port,
          servername: this.name,
          rejectUnauthorized: false,
          ALPNProtocols: ["http/1.1"],
        },
        () => socket.write(bytes),
      );
      socket.setEncoding("latin1");
      socket.on("data", (more: string) => {
        text += more;
        if (isLastSent || !/^HTTP\/1\.1 [2-5]\d\d /.test(text)) return;
        isLastSent = true;
        socket.write(last);
      });
      socket.on("error", (error) => (text === "" ? reject(error) : resolve(text)));
      socket.on("close", () => resolve(text));
    });
  }
}
