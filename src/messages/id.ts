/** Converts message ids, which are a prefix and the row's number. Pure. */
import { MESSAGE_ID } from "../../schemas/messages.js";
import { type Failure, notFound } from "../base/result.js";

/** Returns the id of the message in this row. */
export function messageId(row: number): string {
  return `message-${row}`;
}

/** Parses an id into its row; undefined if it is none. */
export function rowOfMessage(id: string): number | undefined {
  const [, digits] = MESSAGE_ID.exec(id) ?? [];
  return digits === undefined ? undefined : Number(digits);
}

export function noMessage(id: string): Failure {
  return notFound(`message not found: ${id}`);
}
