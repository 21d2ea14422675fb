/**
 * A receiver of webhooks on loopback. It records each request, and answers as the test demands. Runs in the test's
 * process.
 */
import { createServer, type IncomingHttpHeaders, type IncomingMessage, type ServerResponse } from "node:http";
import type { AddressInfo, Socket } from "node:net";
import type { Owner } from "./server-process.js";

/** One recorded request. */
export interface Received {
  readonly method: string;
  readonly path: string;
  readonly headers: IncomingHttpHeaders;
  readonly body: string;
  /** The time when the whole request had been received, by the clock of the machine. */
  readonly at_ms: number;
}

/** The status of the answer, or a function that handles the request instead. */
export type Behaviour = (request: Received, response: ServerResponse, message: IncomingMessage) => number | undefined;

export class Receiver {
  readonly requests: Received[] = [];
  /** The number of connections that were made to the receiver. */
  connections = 0;
  behave: Behaviour;
  port = 0;
  readonly #watchers = new Set<() => void>();

  constructor(behave: Behaviour) {
    this.behave = behave;
  }

  get url(): string {
    return `http://127.0.0.1:${this.port}`;
  }

  /** Returns the received event ids in their order. If a path is given, returns only those of this path. */
  ids(path?: string): number[] {
    return this.requests
      .filter((request) => path === undefined || request.path === path)
      .map(({ body }) => (JSON.parse(body) as { event_id: number }).event_id);
  }

  take(received: Received): void {
    this.requests.push(received);
    for (const watcher of this.#watchers) watcher();
  }

  /** Resolves when `holds` returns true. It is called after each request. */
  until(holds: () => boolean): Promise<void> {
    return new Promise((resolve) => {
      const check = (): void => {
        if (!holds()) return;
        this.#watchers.delete(check);
        resolve();
      };
      this.#watchers.add(check);
      check();
    });
  }

  async untilCount(count: number): Promise<void> {
    await this.until(() => this.requests.length >= count);
  }
}

/** Starts a receiver. It is closed with its connections at the end of the test. */
export async function startReceiver(t: Owner, behave: Behaviour = () => 200): Promise<Receiver> {
  const receiver = new Receiver(behave);
  const sockets = new Set<Socket>();
  const server = createServer((message, response) => {
    const parts: Buffer[] = [];
    message.on("data", (part: Buffer) => parts.push(part));
    message.on("error", () => undefined);
    message.on("end", () => {
      const received: Received = {
        method: message.method ?? "",
        path: message.url ?? "",
        headers: message.headers,
        body: Buffer.concat(parts).toString(),
        at_ms: Date.now(),
      };
      const status = receiver.behave(received, response, message);
      if (status !== undefined) response.writeHead(status).end();
      receiver.take(received);
    });
  });
  server.on("connection", (socket) => {
    receiver.connections += 1;
    sockets.add(socket);
    socket.on("close", () => sockets.delete(socket));
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  receiver.port = (server.address() as AddressInfo).port;
  t.teardown(
    () =>
      new Promise<void>((resolve) => {
        for (const socket of sockets) socket.destroy();
        server.close(() => resolve());
      }),
  );
  return receiver;
}
