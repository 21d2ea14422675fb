/** Ids of messages: the row's number behind a word. Pure. */
import { MESSAGE_ID } from "../../schemas/messages.js";
import { type Failure, notFound } from "../base/result.js";

export function messageId(row: number): string {
  return `message-${row}`;
}

/** The row that an id names; undefined where it names none. */
export function rowOfMessage(id: string): number | undefined {
  const [, digits] = MESSAGE_ID.exec(id) ?? [];
  return digits === undefined ? undefined : Number(digits);
}

export function noMessage(id: string): Failure {
  return notFound(`message not found: ${id}`);
}
