/** The calls about messages. */
import type { CallOptions } from "./deadline.js";
import { newRequestId } from "./request-id.js";
import type { Transport } from "./transport.js";
import type { Message, NewMessage, SentMessage } from "./types.js";

/** The longest time of one long poll, in s. Proxies may cut longer ones. */
const POLL_S_MAX = 30;

export interface InboxOptions extends CallOptions {
  /** Only messages of this thread. */
  readonly thread?: string;
  /** How each message is marked when the next one is asked for; `read` by default. False: not at all. */
  readonly mark?: "read" | "acked" | false;
}

export interface MessageListOptions extends CallOptions {
  readonly box?: "in" | "out";
  readonly unread?: boolean;
  readonly thread?: string | undefined;
  readonly after?: string | undefined;
  readonly limit?: number;
  /** How long to wait for a message if there is none, at most 60 s. */
  readonly wait_s?: number;
}

export interface MessagePage {
  readonly messages: Message[];
  /** The position for the next call's `after`. */
  readonly last_id: string | null;
  /** True if `after` was ahead of the newest message, because the server was restored from an older backup. */
  readonly lagged?: boolean;
}

export class Messages {
  readonly #transport: Transport;

  constructor(transport: Transport) {
    this.#transport = transport;
  }

  send(message: Omit<NewMessage, "request_id">, options?: CallOptions): Promise<SentMessage> {
    const json = { ...message, request_id: newRequestId() };
    return this.#transport.json({ method: "POST", path: "/api/messages", json, repeatable: true }, options);
  }

  /**
   * Iterates over the unread messages, then over those that come, until the signal fires. A message is marked when the
   * next one is asked for, so a message whose work was not finished comes again.
   */
  async *inbox(options: InboxOptions = {}): AsyncGenerator<Message, void, undefined> {
    const { thread, mark = "read", signal, timeoutMs } = options;
    for (let after: string | undefined; ; ) {
      const page = await this.list({ unread: true, thread, after, wait_s: POLL_S_MAX, signal, timeoutMs });
      for (const message of page.messages) {
        yield message;
        if (mark !== false) await this.mark([message.id], mark, { timeoutMs });
      }
      after = page.last_id ?? undefined;
      if (page.messages.length === 0) await this.#transport.leaveIsolated(signal);
    }
  }

  /** One page of a box, the oldest messages first. */
  list(options: MessageListOptions = {}): Promise<MessagePage> {
    const { box, unread, thread, after, limit, wait_s: wait } = options;
    const query = { box, unread, thread, after, limit, wait };
    const plan = { method: "GET", path: "/api/messages", query, waitMs: (wait ?? 0) * 1000 };
    return this.#transport.json(plan, options);
  }

  /** Marks messages of the in-box. Returns how many that changed. */
  async mark(
    ids: readonly string[],
    as: "read" | "acked",
    options: CallOptions & { readonly note?: string } = {},
  ): Promise<number> {
    const json = { ids, as, note: options.note };
    const plan = { method: "POST", path: "/api/messages/mark", json, repeatable: true };
    return (await this.#transport.json<{ marked: number }>(plan, options)).marked;
  }
}
