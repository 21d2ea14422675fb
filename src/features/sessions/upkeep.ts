/**
 * Ends expired sessions, and stores the uses of sessions that are only in memory. It does both every few minutes, and
 * at a shutdown. If the process is killed, only the uses of the last minutes are lost. Runs on the front, driven by
 * ticks.
 */
import { SESSION_FLUSH_INTERVAL_MS, SESSIONS_MAX } from "../../../schemas/limits/sessions.js";
import { Periodic } from "../../platform/background/periodic.js";
import type { BackgroundTask } from "../../platform/background/task.js";
import type { Clock } from "../../base/clock.js";
import { Failure } from "../../base/result.js";
import { NO_CALLER } from "../../platform/rpc/frames.js";
import type { Writer } from "../../platform/threads/writer.js";
import type { SessionRegistry } from "./session-registry.js";
import { endSessions, useSessions } from "./commands.js";

export class SessionUpkeep implements BackgroundTask {
  readonly #book: SessionRegistry;
  readonly #writer: Writer;
  readonly #clock: Clock;
  readonly #flushes: Periodic<void>;

  constructor(book: SessionRegistry, writer: Writer, clock: Clock) {
    this.#book = book;
    this.#writer = writer;
    this.#clock = clock;
    this.#flushes = new Periodic({
      intervalMs: SESSION_FLUSH_INTERVAL_MS,
      nowMs: clock.now(),
      work: () => this.#flush(),
      ready: () => writer.attached,
    });
  }

  tick(nowMs: number): void {
    this.#flushes.tick(nowMs);
  }

  async close(): Promise<void> {
    await this.#flushes.run();
    await this.#flushes.close();
  }

  /**
   * Deletes expired sessions from the database, and stores uses. If the writer rejects them, the next flush sends them
   * again.
   */
  async #flush(): Promise<void> {
    this.#book.prune(this.#clock.now());
    const ids = this.#book.takeExpired(SESSIONS_MAX);
    if (ids.length > 0 && (await this.#writer.request(endSessions, { ids }, NO_CALLER)) instanceof Failure)
      this.#book.requeueExpired(ids);
    const uses = this.#book.takeUses();
    if (uses.length > 0 && (await this.#writer.request(useSessions, { uses }, NO_CALLER)) instanceof Failure)
      this.#book.requeueUses(uses);
  }
}
