/**
 * The condition `event`: a matching event was published. All patterns of a call form one condition. So events are
 * reported in order, and an event that matches several patterns is reported once. Runs on the front.
 */
import { WAIT_PATTERN_STEPS_MAX } from "../../../../schemas/limits/wait.js";
import { Failure, invalid } from "../../../base/result.js";
import type { EventHistory } from "../../events/history.js";
import type { Hub } from "../../events/hub.js";
import { wakeByEvents } from "../../events/long-poll.js";
import { compilePattern, type Pattern } from "../../../platform/topics/pattern.js";
import { type AnyConditionRow, conditionRow } from "../condition.js";

const NOTHING = "[]";

export function eventRow(hub: Hub, history: EventHistory): AnyConditionRow {
  return conditionRow<readonly Pattern[]>({
    parameter: "event",
    isPosition: true,
    read: (texts, { waits }) => {
      const patterns: Pattern[] = [];
      for (const text of texts) {
        const pattern = compilePattern(text);
        if (pattern instanceof Failure) return invalid(`event: ${pattern.message}`);
        patterns.push(pattern);
      }
      if (patterns.reduce((sum, { steps }) => sum + steps, 0) > WAIT_PATTERN_STEPS_MAX)
        return invalid(
          `the patterns of event cost too much: to hold a topic against them takes more than ${WAIT_PATTERN_STEPS_MAX} ` +
            "steps; give fewer or shorter ones with **",
        );
      const full = waits ? hub.refuseSteps(patterns) : null;
      if (full !== null) return full;
      return patterns.length === 0 ? [] : [patterns];
    },
    identity: () => [],
    marks: /^\d{1,15}$/,
    start: () => String(hub.acceptedId),
    listen: (patterns, waiter) => {
      const unlisteners = patterns.map((pattern) => wakeByEvents(hub, pattern, waiter));
      return () => {
        for (const unlisten of unlisteners) unlisten();
      };
    },
    look: async (patterns, mark, context) => {
      const after = Number(mark);
      // Read only up to the newest event that listeners were told about. Later events wake the waiter.
      const upTo = hub.acceptedId;
      const nothing = { matched: null, mark: String(Math.max(after, upTo)) };
      if (upTo <= after) return nothing;
      const [pattern = "", ...orPatterns] = patterns.map(({ text }) => text);
      const request = {
        pattern,
        or_patterns: orPatterns,
        after,
        before: null,
        from: null,
        to: null,
        source: null,
        last: 1,
      };
      const read = await history.readWhole(request, context);
      if (read instanceof Failure) return read;
      if (read.text === NOTHING) return nothing;
      const text = read.text.slice(1, -1);
      const id = idOf(text);
      return id > upTo ? nothing : { matched: `{"kind":"event","event":${text}}`, mark: String(id) };
    },
    // Skip all events up to now. None of them matches, because a matching event would have woken the waiter.
    rest: (_patterns, mark) => String(Math.max(Number(mark), hub.lastId)),
  });
}

/** Returns the id of an event from its JSON text. The id is the first member. */
function idOf(text: string): number {
  return Number(/^\{"id":(\d+)/.exec(text)?.[1]);
}
