/**
 * Waits for the next matching event over plain HTTP. It reads the history, and reads it again whenever an event with a
 * matching topic goes out, until an event is found or the time is up. Runs on the front.
 */
import { Failure } from "../base/result.js";
import { waitFor, type Wakeable } from "../base/waiter.js";
import type { WholeText } from "../threads/reads.js";
import type { Hub, Listener } from "./hub.js";
import type { Pattern } from "../topics/pattern.js";

const NOTHING: WholeText<string | null> = { text: "[]", reply: null };

/** Reads the history. Returns the text "[]" if no event matches. */
export type ReadHistory = () => Found | Promise<Found>;
type Found = WholeText<string | null> | Failure;

/** Wakes a waiter at each matching event. Returns a function that stops that. */
export function wakeByEvents(hub: Hub, pattern: Pattern, waiter: Wakeable): () => void {
  const group = hub.join(pattern);
  // `take` only wakes the waiter, so the read that follows answers with all events of the tick together.
  // The wait is ended by its queue.
  const listener: Listener = { take: () => waiter.wake(), end: () => undefined };
  group.listeners.add(listener);
  return () => {
    group.listeners.delete(listener);
    hub.leave(group);
  };
}

/**
 * Waits until `read` returns something other than "[]".
 * @param waitMs the timeout in ms; after it the answer is "[]"
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
