/**
 * Answers a plain HTTP request when the next matching event exists. The poll reads the history at once, and again
 * whenever a matching event is sent out. It ends when it has found an event, or after the timeout. Runs on the front.
 */
import { Failure } from "../../base/result.js";
import { waitFor, type Wakeable } from "../../base/waiter.js";
import type { WholeText } from "../../platform/threads/reads.js";
import type { Hub, Listener } from "./hub.js";
import type { Pattern } from "../../platform/topics/pattern.js";

const NOTHING: WholeText<string | null> = { text: "[]", reply: null };

/** Reads the history. Returns the text "[]" if no event matches. */
export type ReadHistory = () => Found | Promise<Found>;
type Found = WholeText<string | null> | Failure;

/** Wakes the waiter at each matching event. Returns a function that removes the waiter. */
export function wakeByEvents(hub: Hub, pattern: Pattern, waiter: Wakeable): () => void {
  const group = hub.join(pattern);
  // `take` only wakes the waiter. The waiter then reads the history, where it finds all events of the tick together.
  // `end` does nothing, because a shutdown ends the waits in the hub's queue of long polls.
  const listener: Listener = { take: () => waiter.wake(), end: () => undefined };
  group.listeners.add(listener);
  return () => {
    group.listeners.delete(listener);
    hub.leave(group);
  };
}

/**
 * Waits until `read` returns something other than "[]".
 * @param waitMs the timeout in ms. If no event has matched by then, the answer is "[]".
 * @param onAbort registers a function to be called when the client disconnects
 */
export async function waitForEvents(
  hub: Hub,
  pattern: Pattern,
  waitMs: number,
  read: ReadHistory,
  onAbort: (listener: () => void) => void,
): Promise<Found> {
  const something = (answer: Found): Found | null =>
    !(answer instanceof Failure) && answer.text === NOTHING.text ? null : answer;
  const found = await waitFor<Found>({
    queue: hub.polls,
    look: () => Promise.resolve(read()).then(something),
    waitMs,
    listen: (waiter) => wakeByEvents(hub, pattern, waiter),
    onAbort,
  });
  return found ?? NOTHING;
}
