/** Converts between message ids and rows. An id is a prefix and the number of the row. Pure. */
import { MESSAGE_ID } from "../../../schemas/messages.js";
import { type Failure, notFound } from "../../base/result.js";
import { shorten } from "../../../shared/shorten.js";

/** Returns the id of the message in this row. */
export function messageId(row: number): string {
  return `message-${row}`;
}

/** Returns the row that a message id names, or undefined if the text is not a message id. */
export function rowOfMessage(id: string): number | undefined {
  const [, digits] = MESSAGE_ID.exec(id) ?? [];
  return digits === undefined ? undefined : Number(digits);
}

export function noMessage(id: string): Failure {
  return notFound(`message not found: ${shorten(id)}`);
}
