/**
 * Clients that follow events and changes, over WebSocket and over Server-Sent Events. They collect everything that they
 * receive, and tests can wait for it. Runs in the test's process, and ends with the test.
 */
import { request as httpRequest, type ClientRequest, type IncomingMessage, type OutgoingHttpHeaders } from "node:http";
import { WebSocket } from "ws";
import type { ChangeMessage } from "../../schemas/changes.js";
import type { Owner } from "./server-process.js";

export interface ReceivedEvent {
  readonly id: number;
  readonly topic: string;
  readonly data: unknown;
  readonly source: string;
  readonly created_at: string;
}

/** The item of a stream that stands for dropped events. */
export interface Dropped {
  readonly type: "dropped";
  readonly count: number;
  readonly after_id: number;
}

/** Text that arrives in pieces, and the waiters for parts of it. */
class Inbox {
  readonly items: string[] = [];
  readonly #watchers = new Set<() => void>();
  #ended = false;

  add(item: string): void {
    this.items.push(item);
    this.#wake();
  }

  end(): void {
    this.#ended = true;
    this.#wake();
  }

  #wake(): void {
    for (const watcher of this.#watchers) watcher();
  }

  /** Resolves when `enough` returns true. Rejects if nothing more can arrive. */
  until(enough: (items: readonly string[]) => boolean): Promise<readonly string[]> {
    return new Promise((resolve, reject) => {
      const check = (): void => {
        if (!enough(this.items) && !this.#ended) return;
        this.#watchers.delete(check);
        if (enough(this.items)) resolve(this.items);
        else reject(new Error(`the stream ended after ${this.items.length} items: ${this.items.at(-1) ?? ""}`));
      };
      this.#watchers.add(check);
      check();
    });
  }
}

/** A subscriber. Each item is the JSON of an event, or of a notice about dropped events. */
export interface Subscriber {
  readonly items: readonly string[];
  /** The messages received so far, parsed. */
  received(): (ReceivedEvent | Dropped)[];
  untilCount(count: number): Promise<(ReceivedEvent | Dropped)[]>;
  /** Waits for the event with this id. */
  untilId(id: number): Promise<(ReceivedEvent | Dropped)[]>;
}

const parse = (items: readonly string[]): (ReceivedEvent | Dropped)[] =>
  items.map((item) => JSON.parse(item) as ReceivedEvent | Dropped);

function subscriberOf(inbox: Inbox): Subscriber {
  return {
    items: inbox.items,
    received: () => parse(inbox.items),
    untilCount: async (count) => parse(await inbox.until((items) => items.length >= count)),
    untilId: async (id) => parse(await inbox.until((items) => items.at(-1)?.startsWith(`{"id":${id},`) === true)),
  };
}

export interface Socket extends Subscriber {
  readonly socket: WebSocket;
  /** Resolves to the close code. */
  readonly closed: Promise<number>;
}

/** The server answered the upgrade with another status. */
export class UpgradeRefused extends Error {
  override readonly name = "UpgradeRefused";

  constructor(
    readonly status: number,
    readonly body: string,
    readonly headers: IncomingMessage["headers"],
  ) {
    super(`${status} ${body}`);
  }
}

/**
 * Subscribes over WebSocket.
 * @param query the text after `?`
 * @throws UpgradeRefused
 */
export function openSocket(t: Owner, port: number, query = "", headers: OutgoingHttpHeaders = {}): Promise<Socket> {
  return new Promise((resolve, reject) => {
    const inbox = new Inbox();
    const socket = new WebSocket(`ws://127.0.0.1:${port}/api/events/subscribe${query === "" ? "" : `?${query}`}`, {
      headers: headers as Record<string, string>,
    });
    const closed = new Promise<number>((resolveClosed) => socket.once("close", resolveClosed));
    t.teardown(() => socket.terminate());
    socket.on("message", (data: Buffer, binary) => inbox.add(binary ? "a binary frame" : data.toString("utf8")));
    socket.on("close", () => inbox.end());
    socket.on("error", reject);
    socket.on("open", () => resolve({ ...subscriberOf(inbox), socket, closed }));
    socket.on("unexpected-response", (_request, response) => {
      let body = "";
      response.setEncoding("utf8");
      response.on("data", (chunk: string) => {
        body += chunk;
      });
      response.on("end", () => reject(new UpgradeRefused(response.statusCode ?? 0, body, response.headers)));
    });
  });
}

/** A stream of Server-Sent Events. Its inbox has the `data:` lines. */
interface EventSource {
  readonly inbox: Inbox;
  readonly headers: IncomingMessage["headers"];
  /** All received lines, including comments. */
  readonly lines: readonly string[];
  /** Resolves when the server has ended the stream. */
  readonly ended: Promise<void>;
  /** Disconnects like a client that was killed. */
  leave(): void;
}

function openSource(t: Owner, port: number, path: string, headers: OutgoingHttpHeaders): Promise<EventSource> {
  return new Promise((resolve, reject) => {
    const inbox = new Inbox();
    const lines: string[] = [];
    const request: ClientRequest = httpRequest({ host: "127.0.0.1", port, path, headers, agent: false }, (response) => {
      if (response.statusCode !== 200) {
        reject(new Error(`the stream was refused: ${response.statusCode}`));
        return;
      }
      let rest = "";
      const ended = new Promise<void>((resolveEnded) => {
        response.once("end", () => {
          inbox.end();
          resolveEnded();
        });
      });
      response.on("error", () => inbox.end());
      response.setEncoding("utf8");
      response.on("data", (chunk: string) => {
        const parts = (rest + chunk).split("\n");
        rest = parts.pop() ?? "";
        for (const line of parts) {
          lines.push(line);
          if (line.startsWith("data: ")) inbox.add(line.slice("data: ".length));
        }
      });
      resolve({ inbox, headers: response.headers, lines, ended, leave: () => void request.destroy() });
    });
    t.teardown(() => void request.destroy());
    request.on("error", (error) => {
      inbox.end();
      reject(error);
    });
    request.end();
  });
}

export interface Stream extends Subscriber, Omit<EventSource, "inbox"> {}

/** Subscribes over Server-Sent Events. Throws if the status is not 200. */
export async function openStream(
  t: Owner,
  port: number,
  query = "",
  headers: OutgoingHttpHeaders = {},
): Promise<Stream> {
  const { inbox, ...source } = await openSource(
    t,
    port,
    `/api/events/stream${query === "" ? "" : `?${query}`}`,
    headers,
  );
  return { ...subscriberOf(inbox), ...source };
}

/** A client that follows changes. */
export interface Changes extends Omit<EventSource, "inbox"> {
  /** The messages received so far, parsed. */
  received(): ChangeMessage[];
  /** Waits for a matching message among those from index `from` on. Resolves to the number of messages at that time. */
  until(fits: (message: ChangeMessage) => boolean, from?: number): Promise<number>;
}

/** Follows changes, beginning when the returned promise resolves. Throws if the status is not 200. */
export async function openChanges(
  t: Owner,
  port: number,
  kinds = "",
  headers: OutgoingHttpHeaders = {},
): Promise<Changes> {
  const { inbox, ...source } = await openSource(t, port, `/api/changes?kinds=${kinds}`, headers);
  const parsed = (items: readonly string[]): ChangeMessage[] => items.map((item) => JSON.parse(item) as ChangeMessage);
  return {
    ...source,
    received: () => parsed(inbox.items),
    until: async (fits, from = 0) => (await inbox.until((items) => parsed(items.slice(from)).some(fits))).length,
  };
}
