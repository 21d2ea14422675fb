/**
 * The kinds of records for messages and for message boxes. A record of kind `message_box` says which message a box
 * contains, and the state of the message in this box.
 */
import { MESSAGE_BOXES, MESSAGE_IMPORTANCES, MESSAGE_INTENTS } from "../../../../schemas/messages.js";
import { COUNTED, isList, JSON_VALUE, nullable, rowKind, TEXT, TIME } from "./rows.js";

/** Checks that a member has one of the allowed words. Returns null if it has, otherwise an error text. */
function problemOf(name: string, value: unknown, words: readonly string[]): string | null {
  return words.includes(String(value)) ? null : `${name} must be one of ${words.join(", ")}`;
}

export const MESSAGE_KIND = rowKind({
  name: "message",
  table: "message",
  columns: {
    row: COUNTED,
    sent_at: TIME,
    expires_at: nullable(TIME),
    reply_to: nullable(COUNTED),
    sender: TEXT,
    sender_name: TEXT,
    intent: TEXT,
    importance: TEXT,
    subject: TEXT,
    recipients: JSON_VALUE,
    body: TEXT,
    data: nullable(JSON_VALUE),
  },
  complete: ({ recipients, intent, importance }) => {
    const wrong = isList(recipients) ? null : "recipients must be an array of text";
    const words =
      problemOf("intent", intent, MESSAGE_INTENTS) ?? problemOf("importance", importance, MESSAGE_IMPORTANCES);
    return wrong ?? words ?? [];
  },
  order: "row",
});

export const MESSAGE_BOX_KIND = rowKind({
  name: "message_box",
  table: "message_box",
  columns: {
    instance: TEXT,
    box: TEXT,
    message: COUNTED,
    thread: TEXT,
    name: TEXT,
    delivered_at: nullable(TIME),
    read_at: nullable(TIME),
    acked_at: nullable(TIME),
    note: nullable(TEXT),
  },
  complete: ({ box }) => problemOf("box", box, MESSAGE_BOXES) ?? [],
  order: "instance, box, message",
});
