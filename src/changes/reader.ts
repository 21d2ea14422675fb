/**
 * One reader of changes: what it is to be told next, and how fast. A name waits once, with its newest version, in
 * the place of its first change. Nothing waits that could not be told within the next second: instead the reader
 * is told that it lags, behind the last thing that was left out. Runs on the front.
 */
import type { AskedKind } from "../../schemas/changes.js";
import { CHANGE_MESSAGES_MAX, CHANGE_WINDOW_MS } from "../../schemas/limits.js";
import type { EventStream } from "../transport/event-stream.js";

/** A message; `name` is its text up to the version, and tells it from others. */
export interface Message {
  readonly name: string;
  readonly text: string;
}

const LAGGED: Message = { name: "lagged", text: 'data: {"kind":"lagged"}\n\n' };

export class ChangeReader {
  /** By name, in the order in which they are told; at most CHANGE_MESSAGES_MAX. */
  readonly #waiting = new Map<string, string>();
  /** When the last messages were sent, at most CHANGE_MESSAGES_MAX, the oldest first. */
  #sent_ms: number[] = [];

  constructor(
    readonly stream: EventStream,
    readonly kinds: ReadonlySet<AskedKind>,
  ) {}

  take({ name, text }: Message): void {
    if (this.stream.behind) this.lag();
    else if (this.#waiting.size < CHANGE_MESSAGES_MAX || this.#waiting.has(name)) this.#waiting.set(name, text);
    else this.leaveOut();
  }

  /** Something is left out: it is told behind what waits already, the last of which makes room where it must. */
  leaveOut(): void {
    if (this.#waiting.has(LAGGED.name)) return;
    if (this.#waiting.size === CHANGE_MESSAGES_MAX) this.#waiting.delete([...this.#waiting.keys()].at(-1) ?? "");
    this.#waiting.set(LAGGED.name, LAGGED.text);
  }

  /** Everything may be another: whoever is told so has no need of names. */
  lag(): void {
    this.#waiting.clear();
    this.#waiting.set(LAGGED.name, LAGGED.text);
  }

  /**
   * Sends what waits, as far as this second has room for it.
   * @returns whether it was told that it lags
   */
  send(now_ms: number): boolean {
    if (this.#waiting.size === 0 || this.stream.behind) return false;
    // Where the machine's clock was set back, what was sent counts as sent now.
    if (now_ms < (this.#sent_ms.at(-1) ?? 0)) this.#sent_ms.fill(now_ms);
    this.#sent_ms = this.#sent_ms.filter((at_ms) => now_ms - at_ms < CHANGE_WINDOW_MS);
    let texts = "";
    let lagged = false;
    for (const [name, text] of this.#waiting) {
      if (this.#sent_ms.length === CHANGE_MESSAGES_MAX) break;
      this.#sent_ms.push(now_ms);
      this.#waiting.delete(name);
      lagged ||= name === LAGGED.name;
      texts += text;
    }
    if (texts !== "" && !this.stream.write(texts) && this.#waiting.size > 0) this.lag();
    return lagged;
  }
}
