/**
 * The queue of one reader of changes, with its rate limit. If a value changes several times, it is queued once, with
 * its newest version, at the position of its first change.
 *
 * The queue has room for the messages of one second. When it is full, further changes are left out, and the reader gets
 * the message `lagged` instead. Runs on the front.
 */
import type { AskedKind } from "../../../schemas/changes.js";
import { CHANGE_MESSAGES_MAX, CHANGE_WINDOW_MS } from "../../../schemas/limits/changes.js";
import type { EventStream } from "../../platform/transport/event-stream.js";

/**
 * A message to a reader. `name` identifies the value that has changed. It is the part of the message before the
 * version.
 */
export interface Message {
  readonly name: string;
  readonly text: string;
}

const LAGGED: Message = { name: "lagged", text: 'data: {"kind":"lagged"}\n\n' };

export class ChangeReader {
  /**
   * The queued messages, in the order in which they are sent: the text of each message, by its name. There are at most
   * CHANGE_MESSAGES_MAX.
   */
  readonly #waiting = new Map<string, string>();
  /** The times at which the last messages were sent, the oldest first. There are at most CHANGE_MESSAGES_MAX. */
  #sentMs: number[] = [];

  constructor(
    readonly stream: EventStream,
    readonly kinds: ReadonlySet<AskedKind>,
  ) {}

  take({ name, text }: Message): void {
    if (this.stream.behind) this.lag();
    else if (this.#waiting.size < CHANGE_MESSAGES_MAX || this.#waiting.has(name)) this.#waiting.set(name, text);
    else this.leaveOut();
  }

  /**
   * Queues the message `lagged`, because a change was left out. If the queue is full, `lagged` replaces the last
   * message.
   */
  leaveOut(): void {
    if (this.#waiting.has(LAGGED.name)) return;
    if (this.#waiting.size === CHANGE_MESSAGES_MAX) this.#waiting.delete([...this.#waiting.keys()].at(-1) ?? "");
    this.#waiting.set(LAGGED.name, LAGGED.text);
  }

  /** Replaces all queued messages by the message `lagged`, which says that any value may have changed. */
  lag(): void {
    this.#waiting.clear();
    this.#waiting.set(LAGGED.name, LAGGED.text);
  }

  /**
   * Sends the queued messages that the rate limit allows now.
   * @returns true if the message `lagged` was sent
   */
  send(nowMs: number): boolean {
    if (this.#waiting.size === 0 || this.stream.behind) return false;
    // If the clock was set back, the times of the sent messages lie in the future. They are replaced by the current
    // time.
    if (nowMs < (this.#sentMs.at(-1) ?? 0)) this.#sentMs.fill(nowMs);
    this.#sentMs = this.#sentMs.filter((atMs) => nowMs - atMs < CHANGE_WINDOW_MS);
    let texts = "";
    let lagged = false;
    for (const [name, text] of this.#waiting) {
      if (this.#sentMs.length === CHANGE_MESSAGES_MAX) break;
      this.#sentMs.push(nowMs);
      this.#waiting.delete(name);
      lagged ||= name === LAGGED.name;
      texts += text;
    }
    if (texts !== "" && !this.stream.write(texts) && this.#waiting.size > 0) this.lag();
    return lagged;
  }
}
