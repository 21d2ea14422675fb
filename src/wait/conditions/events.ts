/**
 * `event`: all patterns of a call are one condition, so that events are reported in their order, and one that several
 * patterns match once. Runs on the front.
 */
import { Failure, invalid } from "../../base/result.js";
import type { EventHistory } from "../../events/history.js";
import type { Hub } from "../../events/hub.js";
import { wakeByEvents } from "../../events/long-poll.js";
import { compilePattern, type Pattern } from "../../topics/pattern.js";
import { type AnyConditionRow, conditionRow } from "../condition.js";

const NOTHING = "[]";

export function eventRow(hub: Hub, history: EventHistory): AnyConditionRow {
  return conditionRow<readonly Pattern[]>({
    parameter: "event",
    is_position: true,
    read: (texts) => {
      const patterns: Pattern[] = [];
      for (const text of texts) {
        const pattern = compilePattern(text);
        if (pattern instanceof Failure) return invalid(`event: ${pattern.message}`);
        patterns.push(pattern);
      }
      return patterns.length === 0 ? [] : [patterns];
    },
    identity: () => [],
    marks: /^\d{1,15}$/,
    start: () => String(hub.told_id),
    listen: (patterns, waiter) => {
      const leaves = patterns.map((pattern) => wakeByEvents(hub, pattern, waiter));
      return () => {
        for (const leave of leaves) leave();
      };
    },
    look: async (patterns, mark, context) => {
      const after = Number(mark);
      // What is newer was read for some of the patterns, and not for others: it has yet to be told of, and wakes then.
      const up_to = hub.told_id;
      let oldest = { id: Number.POSITIVE_INFINITY, text: "" };
      for (const { text: pattern } of patterns) {
        const request = { pattern, after, before: null, from: null, to: null, source: null, last: 1 };
        const read = await history.readWhole(request, context);
        if (read instanceof Failure) return read;
        if (read.text === NOTHING) continue;
        const text = read.text.slice(1, -1);
        const id = idOf(text);
        if (id <= up_to && id < oldest.id) oldest = { id, text };
      }
      if (oldest.text === "") return { matched: null, mark: String(Math.max(after, up_to)) };
      return { matched: `{"kind":"event","event":${oldest.text}}`, mark: String(oldest.id) };
    },
    // Whatever went out and matches would have woken.
    rest: (_patterns, mark) => String(Math.max(Number(mark), hub.last_id)),
  });
}

/** The id of an event's JSON text, which begins with it. */
function idOf(text: string): number {
  return Number(/^\{"id":(\d+)/.exec(text)?.[1]);
}
