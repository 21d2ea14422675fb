/**
 * The condition `message`: the caller's inbox has an unread message. Each reply reports one message. A reported message
 * still counts as unread. Runs on the front.
 */
import { NEEDS_INSTANCE } from "../../../base/needs-instance.js";
import type { Clock } from "../../../base/clock.js";
import type { MessageBoxes } from "../../messages/boxes.js";
import { encodeHeading } from "../../messages/encode.js";
import type { MessageReader } from "../../messages/table.js";
import { type AnyConditionRow, conditionRow } from "../condition.js";

export interface InBoxes {
  readonly boxes: MessageBoxes;
  /** Reads messages through the front's own database handle. */
  readonly reader: MessageReader;
  readonly clock: Clock;
}

export function messageRow({ boxes, reader, clock }: InBoxes): AnyConditionRow {
  return conditionRow<{ readonly instance: string }>({
    parameter: "message",
    read: (texts, { instance }) => {
      if (texts.length === 0) return [];
      return instance === "" ? NEEDS_INSTANCE : [{ instance }];
    },
    identity: ({ instance }) => [instance],
    // The mark is the row of the message that was reported last. Later messages have greater rows.
    marks: /^\d{1,15}$/,
    start: () => "",
    listen: ({ instance }, waiter) => boxes.listen("in", instance, waiter),
    look: ({ instance }, mark) => {
      const next = reader.nextUnread(instance, Number(mark), clock.now());
      if (next === undefined) return { matched: null, mark };
      const [message, to] = next;
      return { matched: `{"kind":"message","message":${encodeHeading(message, to)}}`, mark: String(message.row) };
    },
  });
}
