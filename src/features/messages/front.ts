/**
 * Serves the operations on messages: sending a message, reading a box, and waiting for a message. A call uses the boxes
 * of the instance that makes it. A caller with the server's token may read the messages of all instances, which does
 * not mark them as delivered or read. Runs on the front.
 */
import type { Static } from "typebox";
import {
  MESSAGE_DATA_BYTES_MAX,
  MESSAGE_ROWS_DEFAULT,
  MESSAGES_ON_FRONT_MAX,
} from "../../../schemas/limits/messages.js";
import {
  type AllMessagesQuery,
  type ListRequest,
  type MarkBody,
  MessageBody,
  type MessageQuery,
  type PageReply,
  type PageRequest,
  type SendRequest,
  type ThreadQuery,
} from "../../../schemas/messages.js";
import { utf8Length } from "../../../schemas/text.js";
import { SECOND_MS } from "../../../shared/duration.js";
import type { Clock } from "../../base/clock.js";
import { toOneLine } from "../../../shared/json-text.js";
import type { Log } from "../../base/log.js";
import { NEEDS_INSTANCE } from "../../base/needs-instance.js";
import { Failure, invalid } from "../../base/result.js";
import { jsonReply, listReply } from "../../platform/front/reply.js";
import type { Answer, Request } from "../../platform/front/route.js";
import type { Directory } from "../instances/directory.js";
import type { Entry } from "../instances/entry.js";
import { hashRequest } from "../idempotency/hash.js";
import type { CallContext } from "../../platform/rpc/frames.js";
import type { Reads } from "../../platform/threads/reads.js";
import type { Writer } from "../../platform/threads/writer.js";
import type { MessageBoxes } from "./boxes.js";
import { deliverMessages, markMessages, sendMessage } from "./commands.js";
import { noMessage, rowOfMessage } from "./id.js";
import { findMessages, listAllMessages, listMessages, listThreads } from "./jobs.js";
import { resolveRecipients } from "./recipients.js";

export interface MessageFrontOptions {
  /** True if the server requires tokens. */
  readonly guarded: boolean;
  readonly writer: Writer;
  readonly reads: Reads;
  readonly directory: Directory;
  readonly boxes: MessageBoxes;
  readonly clock: Clock;
  readonly log: Log;
}

type SendCall = Pick<Request<readonly string[], unknown, string, MessageBody>, "free" | "json" | "context">;
type ListCall = Pick<Request<readonly string[], MessageQuery>, "query" | "context" | "onAbort">;
type Finding = PageReply | Failure;

/**
 * The estimated number of rows of a read that may examine many rows. It is infinite, so the read runs in the worker
 * pool.
 */
const MANY_ROWS = Number.POSITIVE_INFINITY;
const EMPTY: PageReply = { count: 0, last: null, undelivered: [], cut: false };

export class MessageFront {
  readonly #options: MessageFrontOptions;

  constructor(options: MessageFrontOptions) {
    this.#options = options;
  }

  async send({ free: [given = null], json, context }: SendCall): Promise<Answer> {
    const { writer, directory, log } = this.#options;
    const sender = this.#caller(context);
    if (sender instanceof Failure) return sender;
    const data = given === null || given === "null" ? null : toOneLine(given);
    if (data !== null && utf8Length(data) > MESSAGE_DATA_BYTES_MAX)
      return invalid(`data is longer than ${MESSAGE_DATA_BYTES_MAX} bytes`);
    const { reply_to: answered } = json;
    const replyTo = answered === undefined ? null : rowOfMessage(answered);
    if (replyTo === undefined) return noMessage(answered ?? "");
    // An unknown recipient is rejected by the writer and not here. The call may be a repetition, for which the writer
    // returns the stored answer.
    const { to, nobody } = resolveRecipients(directory, sender, typeof json.to === "string" ? [json.to] : json.to);
    const request: SendRequest = {
      guarded: this.#options.guarded,
      sender: { id: sender.id, name: sender.name },
      to: [...to],
      nobody,
      subject: json.subject,
      body: json.body ?? "",
      intent: json.intent ?? "inform",
      importance: json.importance ?? "normal",
      thread: json.thread ?? null,
      reply_to: replyTo,
      data,
      expires_in_s: json.expires_in_s ?? null,
      request_id: json.request_id ?? null,
      request_hash: hashRequest(MessageBody, json, data),
    };
    const sent = await writer.request(sendMessage, request, context);
    if (sent instanceof Failure) return sent;
    const { made, ...answer } = sent;
    if (made) log.info("message sent", { id: answer.id, recipients: answer.to.length });
    // The answer shows the status of a recipient that was addressed by its name and is not active.
    const named = new Set([...to].filter((one) => one.to !== one.id).map(({ id }) => id));
    const recipients = answer.to.map((party) => {
      const status = named.has(party.id) ? directory.get(party.id)?.status : undefined;
      return status === undefined || status === "active" ? party : { ...party, status };
    });
    return jsonReply(JSON.stringify({ ...answer, to: recipients }));
  }

  async mark({ ids, as, note }: MarkBody, context: CallContext): Promise<Answer> {
    const caller = this.#caller(context);
    if (caller instanceof Failure) return caller;
    const messages = [...new Set(ids)].flatMap((id) => rowOfMessage(id) ?? []);
    const request = { instance: caller.id, messages, as, note: note ?? null };
    const reply = await this.#options.writer.request(markMessages, request, context);
    return reply instanceof Failure ? reply : jsonReply(`{"marked":${reply.ids.length}}`);
  }

  threads(
    { before, limit = MESSAGE_ROWS_DEFAULT }: Static<typeof ThreadQuery>,
    context: CallContext,
  ): Answer | Promise<Answer> {
    const { reads, clock } = this.#options;
    const caller = this.#caller(context);
    if (caller instanceof Failure) return caller;
    const request = { instance: caller.id, before: rowBefore(before), limit, nowMs: clock.now() };
    return listReply(reads.stream(listThreads, request, context, MANY_ROWS));
  }

  /** Lists messages of all instances. This read does not count as a delivery. */
  async all(query: AllMessagesQuery, context: CallContext): Promise<Answer> {
    const { writer, reads, clock } = this.#options;
    // The list shows the times of delivery, so wait for the deliveries that hooks have not stored yet.
    await writer.settled();
    const { instance = "", thread = "", unread = 0, urgent = 0, before, limit = MESSAGE_ROWS_DEFAULT } = query;
    const request = {
      instance: instance === "" ? null : instance,
      thread: thread === "" ? null : thread,
      unread: unread === 1,
      urgent: urgent === 1,
      before: rowBefore(before),
      limit,
      nowMs: clock.now(),
    };
    return listReply(reads.stream(listAllMessages, request, context, MANY_ROWS));
  }

  list({ query, context, onAbort }: ListCall): Answer | Promise<Answer> {
    const caller = this.#caller(context);
    if (caller instanceof Failure) return caller;
    const { box = "in", unread = 0, thread = "", after, wait = 0, limit = MESSAGE_ROWS_DEFAULT } = query;
    const page = (): PageRequest => ({
      instance: caller.id,
      box,
      unread: unread === 1,
      thread: thread === "" ? null : thread,
      after: after === undefined ? 0 : (rowOfMessage(after) ?? 0),
      limit,
      nowMs: this.#options.clock.now(),
    });
    if (wait > 0) return this.#wait(page, wait, context, onAbort);
    // Messages of an out-box need no delivery. The list shows the times of delivery, so wait for the deliveries that
    // hooks have not stored yet.
    if (box === "out") {
      const answer = (): Answer | Promise<Answer> =>
        this.#answer(page(), { up_to: null, cut: false }, MANY_ROWS, context);
      return this.#options.writer.settled()?.then(answer) ?? answer();
    }
    const found = this.#find(page(), context);
    return found instanceof Promise
      ? found.then((later) => this.#deliver(page(), later, context))
      : this.#deliver(page(), found, context);
  }

  async #wait(
    page: () => PageRequest,
    waitS: number,
    context: CallContext,
    onAbort: (listener: () => void) => void,
  ): Promise<Answer> {
    const { box, instance } = page();
    const something = (found: Finding): Finding | null =>
      found instanceof Failure || found.last !== null ? found : null;
    const look = (): Finding | null | Promise<Finding | null> => {
      const found = this.#find(page(), context);
      return found instanceof Promise ? found.then(something) : something(found);
    };
    const found = await this.#options.boxes.wait(box, instance, waitS * SECOND_MS, look, onAbort);
    return this.#deliver(page(), found ?? EMPTY, context);
  }

  #find(page: PageRequest, context: CallContext): Finding | Promise<Finding> {
    // A page can examine many rows if it is large, or if it selects the unread messages of an out-box.
    const many = page.limit > MESSAGES_ON_FRONT_MAX || (page.box === "out" && page.unread);
    return this.#options.reads.run(findMessages, page, context, many ? MANY_ROWS : page.limit);
  }

  /** Records that the found messages were delivered if the box is an in-box. Then answers with the messages. */
  #deliver(page: PageRequest, found: Finding, context: CallContext): Answer | Promise<Answer> {
    if (found instanceof Failure) return found;
    const { count, undelivered, cut } = found;
    const until = { up_to: found.last ?? page.after, cut };
    // The number of rows of an out-box page is unknown, because each message has all its recipients.
    const rows = page.box === "out" || count > MESSAGES_ON_FRONT_MAX ? MANY_ROWS : count;
    if (page.box === "out" || undelivered.length === 0) return this.#answer(page, until, rows, context);
    const request = { instance: page.instance, messages: undelivered };
    return new Promise((resolve) => {
      // The client gets the messages even if the writer could not record their delivery. The next read records it.
      this.#options.writer.call(deliverMessages, request, context, () => {
        resolve(this.#answer(page, until, rows, context));
      });
    });
  }

  /**
   * Answers with the messages of a page.
   * @param until the end of the page. `up_to` is the row of its last message; null if only the limit ends the page.
   * `cut` is true if more messages may follow.
   * @param rows the number of rows that the read examines
   */
  #answer(
    page: PageRequest,
    until: Pick<ListRequest, "up_to" | "cut">,
    rows: number,
    context: CallContext,
  ): Answer | Promise<Answer> {
    return listReply(this.#options.reads.stream(listMessages, { ...page, ...until }, context, rows));
  }

  /** Returns the instance that makes the call. Returns an error if the caller is not an instance. */
  #caller({ actor }: CallContext): Entry | Failure {
    return this.#options.directory.get(actor) ?? NEEDS_INSTANCE;
  }
}

/**
 * Returns the row before which a list starts. Without a message id, this is the largest number, so the list starts at
 * the newest message.
 */
function rowBefore(id: string | undefined): number {
  return (id === undefined ? undefined : rowOfMessage(id)) ?? Number.MAX_SAFE_INTEGER;
}
