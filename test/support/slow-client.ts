/**
 * Subscribers that read only when the test says so: a WebSocket on a bare connection, so that nothing is read ahead,
 * and a stream. While a subscriber does not read, the buffers of the system fill up, and then the server has
 * backpressure. `items` has the received items, parsed. Runs in the test's process.
 */
import { once } from "node:events";
import { get, type IncomingMessage } from "node:http";
import type { Socket } from "node:net";
import { closeOf, dial } from "./http-client.js";
import type { Owner } from "./server-process.js";
import type { Dropped, ReceivedEvent } from "./subscriber.js";
import { MessageReader, OPCODE_CLOSE, OPCODE_TEXT } from "./websocket-messages.js";

export abstract class SlowClient {
  readonly items: (ReceivedEvent | Dropped)[] = [];
  #wake: () => void = () => undefined;

  abstract pause(): void;
  abstract resume(): void;
  abstract leave(): void;

  /** Reads until the last item is the event with this id. */
  async readTo(id: number): Promise<void> {
    await this.#read(() => {
      const last = this.items.at(-1);
      return last !== undefined && "id" in last && last.id >= id;
    });
  }

  /** Reads this many more items, or a few more, and stops reading. */
  async readSome(count: number): Promise<void> {
    const goal = this.items.length + count;
    await this.#read(() => this.items.length >= goal);
    this.pause();
  }

  protected add(text: string): void {
    this.items.push(JSON.parse(text) as ReceivedEvent | Dropped);
    this.#wake();
  }

  async #read(enough: () => boolean): Promise<void> {
    this.resume();
    while (!enough()) {
      await new Promise<void>((resolve) => {
        this.#wake = resolve;
      });
    }
  }
}

class SlowSocket extends SlowClient {
  readonly closed: Promise<unknown>;

  /** @param first the frames that came together with the answer to the upgrade */
  constructor(
    readonly socket: Socket,
    first: Buffer,
  ) {
    super();
    this.closed = closeOf(socket);
    const reader = new MessageReader(({ opcode, payload }) => {
      if (opcode === OPCODE_TEXT) this.add(payload.toString("utf8"));
      else if (opcode === OPCODE_CLOSE) socket.end();
    });
    reader.read(first);
    socket.on("data", (chunk: Buffer) => reader.read(chunk));
    socket.pause();
  }

  pause(): void {
    this.socket.pause();
  }

  resume(): void {
    this.socket.resume();
  }

  leave(): void {
    this.socket.destroy();
  }
}

class SlowStream extends SlowClient {
  #rest = "";

  constructor(readonly response: IncomingMessage) {
    super();
    response.setEncoding("utf8");
    response.on("error", () => undefined);
    response.on("data", (chunk: string) => {
      const lines = (this.#rest + chunk).split("\n");
      this.#rest = lines.pop() ?? "";
      for (const line of lines) if (line.startsWith("data: ")) this.add(line.slice("data: ".length));
    });
    response.pause();
  }

  pause(): void {
    this.response.pause();
  }

  resume(): void {
    this.response.resume();
  }

  leave(): void {
    this.response.destroy();
  }
}

/** Opens a WebSocket subscription that does not read yet. */
export async function openSlowSocket(t: Owner, port: number, query: string): Promise<SlowClient> {
  const socket = await dial(t, port);
  socket.write(
    `GET /api/events/subscribe?${query} HTTP/1.1\r\nHost: localhost\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n` +
      "Sec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\nSec-WebSocket-Version: 13\r\n\r\n",
  );
  const [first] = (await once(socket, "data")) as [Buffer];
  socket.removeAllListeners("data");
  const end = first.indexOf("\r\n\r\n") + 4;
  const head = first.toString("latin1", 0, end);
  if (!head.startsWith("HTTP/1.1 101 ")) throw new Error(`no upgrade: ${head}`);
  return new SlowSocket(socket, first.subarray(end));
}

/** Opens a stream of Server-Sent Events that does not read yet. */
export async function openSlowStream(t: Owner, port: number, query: string): Promise<SlowClient> {
  const request = get({ host: "127.0.0.1", port, path: `/api/events/stream?${query}`, agent: false });
  t.teardown(() => {
    request.destroy();
  });
  const [response] = (await once(request, "response")) as [IncomingMessage];
  return new SlowStream(response);
}
