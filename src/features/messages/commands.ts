/**
 * The writer methods that send messages, mark them, record their delivery, and prune them. They run in the writer
 * thread.
 */
import type { ServerSource, ServerTopic } from "../../../schemas/events.js";
import * as Type from "typebox";
import { MESSAGE_RECIPIENTS_MAX } from "../../../schemas/limits/messages.js";
import {
  DeliverRequest,
  MarkReply,
  MarkRequest,
  SendReply,
  type MessageSent,
  PruneMessagesReply,
  SendRequest,
} from "../../../schemas/messages.js";
import { SECOND_MS } from "../../../shared/duration.js";
import { Failure, invalid, notFound } from "../../base/result.js";
import { shorten } from "../../../shared/shorten.js";
import { publisher } from "../events/publisher.js";
import { instanceWriter, type InstanceWriter } from "../instances/table.js";
import { idempotencyRecords } from "../idempotency/records.js";
import { weightOf } from "../../platform/rpc/method.js";
import { changes, changesByModel, reportAny, reportKeys } from "../../platform/threads/changes.js";
import { writerMethod } from "../../platform/threads/writer-method.js";
import { boxWriter, type BoxWriter } from "./box-writer.js";
import { messageId, noMessage } from "./id.js";

export const TOPIC_SENT = "message.sent" satisfies ServerTopic;
export const MESSAGE_SOURCE = "koor" satisfies ServerSource;

/** The resource in the audit row of a call that marks several messages. */
const SEVERAL = "several";

const models = { boxes: boxWriter };

function noRecipient(to: string): Failure {
  return notFound(`nobody there: ${shorten(to)}`);
}

/** Returns an error if a message cannot be sent; otherwise null. */
function refuseSending(
  request: SendRequest,
  thread: string | undefined,
  { boxes, instances }: { readonly boxes: BoxWriter; readonly instances: InstanceWriter },
  nowMs: number,
): Failure | null {
  const { to, nobody, reply_to } = request;
  if (nobody !== null) return noRecipient(nobody);
  if (to.length > MESSAGE_RECIPIENTS_MAX) return invalid(`to names more than ${MESSAGE_RECIPIENTS_MAX} instances`);
  const gone = to.find(({ id }) => !instances.has(id));
  if (gone !== undefined) return noRecipient(gone.to);
  if (reply_to !== null && thread === undefined) return noMessage(messageId(reply_to));
  if (reply_to !== null && request.thread !== null && request.thread !== thread)
    return invalid("thread is not that of the message in reply_to");
  const full = to.find(({ id }) => boxes.isFull(id, nowMs));
  return full === undefined ? null : new Failure("STOCK_FULL", `the in-box of ${full.name} is full`);
}

/**
 * Sends a message. If the client repeats the call because the answer was lost, it gets the same answer, and the message
 * is sent only once.
 */
export const sendMessage = writerMethod({
  name: "message.send",
  request: SendRequest,
  reply: SendReply,
  weight: weightOf,
  rows: ({ to }) => to.length,
  audit: {
    action: "message.send",
    resource: (_request, reply) => reply?.id ?? "",
    detail: (_request, { thread, to }) => JSON.stringify({ thread, recipients: to.length }),
    writesRow: ({ made }) => made,
  },
  changes: [
    changes("message", (_request: SendRequest, { id, made }: SendReply) => reportKeys(made ? [id] : [])),
    changesByModel("event"),
  ],
  models: { boxes: boxWriter, instances: instanceWriter, events: publisher, requests: idempotencyRecords },
  run: ({ boxes, instances, events, requests }, request, call) => {
    const { sender, subject, body, intent, importance, reply_to, data, request_id, expires_in_s } = request;
    const { nowMs } = call;
    const known = requests.find("message", sender.id, request_id, nowMs, request.request_hash);
    if (known instanceof Failure) return known;
    if (known !== undefined) return { ...(JSON.parse(known) as MessageSent), made: false };
    const replied = reply_to === null ? undefined : boxes.threadOf(sender.id, reply_to, nowMs);
    const refusal = refuseSending(request, replied, { boxes, instances }, nowMs);
    if (refusal !== null) return refusal;
    // A recipient that is named twice gets only one copy of the message.
    const to = [...new Map(request.to.map(({ id, name }) => [id, { id, name }])).values()];
    const { row, thread } = boxes.send({
      sender,
      to,
      thread: replied ?? request.thread,
      reply_to,
      subject,
      body,
      intent,
      importance,
      data,
      sent_at: nowMs,
      expires_at: expires_in_s === null ? null : nowMs + expires_in_s * SECOND_MS,
    });
    const sent: MessageSent = { id: messageId(row), thread, to };
    requests.store("message", sender.id, request_id, JSON.stringify(sent), nowMs, request.request_hash);
    const published = {
      message_id: sent.id,
      thread,
      from: sender.id,
      to: to.map(({ id }) => id),
      ...(request.guarded ? {} : { subject }),
      intent,
      importance,
    };
    events.publish({ topic: TOPIC_SENT, data: JSON.stringify(published), source: MESSAGE_SOURCE }, call);
    return { ...sent, made: true };
  },
});

/** Records that messages of an in-box were delivered to the in-box's owner. */
export const deliverMessages = writerMethod({
  name: "message.deliver",
  request: DeliverRequest,
  reply: Type.Null(),
  weight: weightOf,
  audit: null,
  changes: [changes("message", ({ messages }: DeliverRequest) => reportKeys(messages.map(messageId)))],
  models,
  run: ({ boxes }, { instance, messages }, { nowMs }) => {
    boxes.deliver(instance, messages, nowMs);
    return null;
  },
});

/** Marks messages of an in-box. Messages that are not in the in-box, or already have the mark, are ignored. */
export const markMessages = writerMethod({
  name: "message.mark",
  request: MarkRequest,
  reply: MarkReply,
  weight: weightOf,
  rows: ({ messages }) => messages.length,
  audit: {
    action: "message.mark",
    resource: ({ messages = [] }) => {
      const [first, ...others] = messages;
      return first === undefined ? "" : others.length === 0 ? messageId(first) : SEVERAL;
    },
    detail: ({ as }, { ids }) => JSON.stringify({ as, ids }),
    writesRow: ({ ids }) => ids.length > 0,
  },
  changes: [changes("message", (_request, { ids }: MarkReply) => reportKeys(ids))],
  models,
  run: ({ boxes }, request, { nowMs }) => ({ ids: boxes.mark(request, nowMs).map(messageId) }),
});

/** Deletes messages that have expired or are too old, a limited number at a time. */
export const pruneMessages = writerMethod({
  name: "message.prune",
  request: Type.Object({}),
  reply: PruneMessagesReply,
  weight: weightOf,
  audit: null,
  changes: [changes("message", (_request, { removed }: PruneMessagesReply) => (removed === 0 ? [] : reportAny()))],
  models,
  run: ({ boxes }, _request, { nowMs }) => boxes.prune(nowMs),
});
