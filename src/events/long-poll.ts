/**
 * Waiting for the next matching event over plain HTTP: the history is read, and read again when an event
 * with a matching topic goes out, until there is something to answer or the time is up. Runs on the front.
 */
import type { Failure } from "../base/result.js";
import { Waiter } from "../base/waiter.js";
import type { Group, Hub, Listener } from "./hub.js";
import type { Pattern } from "../topics/pattern.js";

const NOTHING = "[]";

/** Reads the history; "[]" where nothing matches. */
export type ReadHistory = () => string | Failure | Promise<string | Failure>;

/**
 * Waits until `read` gives something else than "[]".
 * @param wait_ms how long; then the answer is "[]"
 * @param onAbort is told what to call when the client has gone
 */
export function waitForEvents(
  hub: Hub,
  pattern: Pattern,
  wait_ms: number,
  read: ReadHistory,
  onAbort: (listener: () => void) => void,
): Promise<string | Failure> {
  const something = (answer: string | Failure): string | Failure | null => (answer === NOTHING ? null : answer);
  return new Promise((resolve) => {
    const group: Group = hub.join(pattern);
    const waiter = new Waiter<string | Failure>(
      () => Promise.resolve(read()).then(something),
      (found) => {
        clearTimeout(timer);
        group.listeners.delete(listener);
        hub.leave(group);
        resolve(found ?? NOTHING);
      },
    );
    // The events of a turn are answered together.
    const listener: Listener = { take: () => waiter.wake(), end: () => waiter.finish(null) };
    const timer = setTimeout(() => waiter.finish(null), wait_ms);
    // Listening comes before reading: an event in between is seen by one of the two.
    group.listeners.add(listener);
    onAbort(() => waiter.finish(null));
    waiter.check();
  });
}
