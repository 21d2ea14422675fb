/** Encodes messages and threads for clients as JSON texts. Pure. */
import { formatTime } from "../../base/time.js";
import { messageId } from "./id.js";

export interface PartyRow {
  readonly id: string;
  readonly name: string;
}

/** A recipient of a message. It has the times, in ms, at which the message was delivered, read and acknowledged. */
export interface RecipientRow extends PartyRow {
  readonly delivered_at: number | null;
  readonly read_at: number | null;
  readonly acked_at: number | null;
  readonly note: string | null;
}

/** A message without its recipients. Times are in ms. */
export interface MessageRow {
  readonly row: number;
  readonly thread: string;
  readonly reply_to: number | null;
  readonly sender: string;
  readonly sender_name: string;
  readonly subject: string;
  readonly intent: string;
  readonly importance: string;
  readonly body: string;
  /** JSON text. */
  readonly data: string | null;
  readonly sent_at: number;
}

/** A thread as one participant sees it. `unread` counts this participant's unread messages. */
export interface ThreadRow {
  readonly thread: string;
  readonly subject: string;
  readonly messages: number;
  readonly unread: number;
  /** The row of the newest message. */
  readonly last: number;
  readonly last_at: number;
}

function timeOrNull(ms: number | null): string {
  return ms === null ? "null" : `"${formatTime(ms)}"`;
}

function encodeParty({ id, name }: PartyRow): string {
  return `"id":${JSON.stringify(id)},"name":${JSON.stringify(name)}`;
}

function encodeRecipient(recipient: RecipientRow): string {
  const { delivered_at, read_at, acked_at, note } = recipient;
  return (
    `{${encodeParty(recipient)},"delivered_at":${timeOrNull(delivered_at)},"read_at":${timeOrNull(read_at)}` +
    `,"acked_at":${timeOrNull(acked_at)},"note":${JSON.stringify(note)}}`
  );
}

/**
 * Encodes the members of a message in a fixed order. `body` is the JSON text `,"body":…`, or "" to leave the body out.
 */
function encodeMembers(message: MessageRow, to: readonly RecipientRow[], body: string): string {
  const { row, thread, reply_to, sender, sender_name, subject, intent, importance, data, sent_at } = message;
  return (
    `{"id":"${messageId(row)}","thread":${JSON.stringify(thread)}` +
    `,"reply_to":${reply_to === null ? "null" : `"${messageId(reply_to)}"`}` +
    `,"from":{${encodeParty({ id: sender, name: sender_name })}},"to":[${to.map(encodeRecipient).join(",")}]` +
    `,"subject":${JSON.stringify(subject)},"intent":"${intent}","importance":"${importance}"` +
    `${body},"data":${data ?? "null"},"sent_at":"${formatTime(sent_at)}"}`
  );
}

/**
 * Encodes a message.
 * @param to the recipients that the reader of the message may see
 */
export function encodeMessage(message: MessageRow, to: readonly RecipientRow[]): string {
  return encodeMembers(message, to, `,"body":${JSON.stringify(message.body)}`);
}

/** Encodes a message without its body, for the reply to a client that waits for a message. */
export function encodeHeading(message: MessageRow, to: readonly RecipientRow[]): string {
  return encodeMembers(message, to, "");
}

/**
 * Encodes a thread.
 * @param others the other participants that the reader of the thread may see
 */
export function encodeThread({ thread, subject, messages, unread, last_at }: ThreadRow, others: readonly PartyRow[]) {
  const parties = others.map((party) => `{${encodeParty(party)}}`).join(",");
  return (
    `{"thread":${JSON.stringify(thread)},"subject":${JSON.stringify(subject)},"with":[${parties}]` +
    `,"messages":${messages},"unread":${unread},"last_at":"${formatTime(last_at)}"}`
  );
}
