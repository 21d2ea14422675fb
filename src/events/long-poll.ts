/**
 * Waiting for the next matching event over plain HTTP: the history is read, and read again when an event
 * with a matching topic goes out, until there is something to answer or the time is up. Runs on the front.
 */
import type { Failure } from "../base/result.js";
import type { CommittedEvent } from "../../schemas/events.js";
import type { Group, Hub, Listener } from "./hub.js";
import type { Pattern } from "../topics/pattern.js";

const NOTHING = "[]";

/** Reads the history; "[]" where nothing matches. */
export type ReadHistory = () => string | Failure | Promise<string | Failure>;

class Waiter implements Listener {
  #due = false;
  #reading = false;
  /** An event came while the history was being read. */
  #again = false;
  #settled = false;

  constructor(
    readonly read: ReadHistory,
    readonly settle: (answer: string | Failure) => void,
  ) {}

  /** The events of a turn are answered together. */
  take(_event: CommittedEvent): void {
    if (this.#due) return;
    this.#due = true;
    setImmediate(() => {
      this.#due = false;
      this.check();
    });
  }

  check(): void {
    if (this.#settled) return;
    if (this.#reading) {
      this.#again = true;
      return;
    }
    this.#reading = true;
    this.#again = false;
    void Promise.resolve(this.read()).then((answer) => {
      this.#reading = false;
      if (answer !== NOTHING) this.finish(answer);
      else if (this.#again) this.check();
    });
  }

  end(): void {
    this.finish(NOTHING);
  }

  finish(answer: string | Failure): void {
    if (this.#settled) return;
    this.#settled = true;
    this.settle(answer);
  }
}

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
  return new Promise((resolve) => {
    const group: Group = hub.join(pattern);
    const waiter = new Waiter(read, (answer) => {
      clearTimeout(timer);
      group.listeners.delete(waiter);
      hub.leave(group);
      resolve(answer);
    });
    const timer = setTimeout(() => waiter.finish(NOTHING), wait_ms);
    // Listening comes before reading: an event in between is seen by one of the two.
    group.listeners.add(waiter);
    onAbort(() => waiter.finish(NOTHING));
    waiter.check();
  });
}
