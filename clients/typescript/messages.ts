/** The calls about messages. */
import type { CallOptions } from "./deadline.js";
import { newRequestId } from "./request-id.js";
import type { Transport } from "./transport.js";
import type { Message, NewMessage, SentMessage } from "./types.js";
import { wholeAnswer } from "./whole-list.js";

/** The maximum time of one long poll, in s. Proxies may cut a longer one. */
const POLL_S_MAX = 30;
/** The number of messages that the in-box reads at once, so that few are in memory. */
const PAGE_ROWS = 100;

export interface InboxOptions extends CallOptions {
  /** Only messages of this thread. */
  readonly thread?: string;
  /**
   * Says how a message is marked when the caller requests the next one; `read` by default. With false, messages are not
   * marked.
   */
  readonly mark?: "read" | "acked" | false;
}

export interface MessageListOptions extends CallOptions {
  readonly box?: "in" | "out";
  readonly unread?: boolean;
  readonly thread?: string | undefined;
  readonly after?: string | undefined;
  readonly limit?: number;
  /** How long the server waits for a message if there is none, in s; at most 60. */
  readonly wait_s?: number;
}

export interface MessagePage {
  readonly messages: Message[];
  /** The position at which the next page begins. Pass it as `after`. */
  readonly last_id: string | null;
  /**
   * Whether `after` was newer than the newest message. That happens if the server was restored from an older backup.
   */
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
   * Iterates over the unread messages, and then over new ones, until the signal fires. A message is marked only when
   * the caller requests the next one. So if the caller stops in the middle of its work for a message, it gets the
   * message again later.
   */
  async *inbox(options: InboxOptions = {}): AsyncGenerator<Message, void, undefined> {
    const { thread, mark = "read", signal, timeoutMs } = options;
    for (let after: string | undefined; ; ) {
      const page = await this.list({
        unread: true,
        thread,
        after,
        limit: PAGE_ROWS,
        wait_s: POLL_S_MAX,
        signal,
        timeoutMs,
      });
      for (const message of page.messages) {
        yield message;
        if (mark !== false) await this.mark([message.id], mark, { timeoutMs });
      }
      after = page.last_id ?? undefined;
      if (page.messages.length === 0) await this.#transport.leaveIsolated(signal);
    }
  }

  /**
   * Returns the messages of a box, the oldest first. With `limit`, returns at most that many, and `last_id` is where
   * the next call continues.
   */
  list(options: MessageListOptions = {}): Promise<MessagePage> {
    const { box, unread, thread, after, limit, wait_s: wait } = options;
    const query = { box, unread, thread, after, limit, wait };
    const waitMs = (wait ?? 0) * 1000;
    const plan = { path: "/api/messages", query, member: "messages", paged: true, waitMs } as const;
    return wholeAnswer(this.#transport, plan, options);
  }

  /** Marks messages of the in-box. Returns the number of messages that this has changed. */
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
