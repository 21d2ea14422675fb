/**
 * Watches, as a background task, whether the database can store data durably. Every few seconds it looks whether the
 * database's files are still in place. It checks all pages after the database file has changed, and after an error that
 * reports damage.
 *
 * While there is a fault, writes are refused with the reason, and `/health` shows the reason. The fault is logged once.
 * Runs on the front.
 */
import { STORAGE_WATCH_INTERVAL_MS } from "../../../schemas/limits/store.js";
import type { BackgroundTask } from "../background/task.js";
import { Periodic } from "../background/periodic.js";
import type { Log } from "../../base/log.js";
import { Failure } from "../../base/result.js";
import type { OpenFiles } from "../store/open-files.js";
import { isDamage } from "../store/open.js";
import { CHECKED_BYTES_MAX } from "../store/sound.js";
import { sqliteCode } from "../store/sqlite/codes.js";

/** The minimum pause after a check of all pages, as a multiple of the check's duration. */
const PAUSE_PER_CHECK = 10;

export interface StorageWatchOptions {
  readonly files: Pick<OpenFiles, "findFault" | "readState">;
  /** Checks all pages. Returns the damage, null if there is none, or a Failure if the check could not finish. */
  readonly check: () => Promise<string | null | Failure>;
  readonly log: Log;
  /** The current time in ms. The first check of the files is one interval later. */
  readonly nowMs: number;
  /** Makes the writer refuse all writes with this failure. Null allows writes again. */
  readonly hold: (refusal: Failure | null) => void;
}

export class StorageWatch implements BackgroundTask {
  readonly #options: StorageWatchOptions;
  readonly #periodic: Periodic<void>;
  /** The fault of the database's files, such as a missing file; null if there is none. */
  #files: string | null = null;
  /** The damage that a check of the pages has found; null if there is none. */
  #damage: string | null = null;
  /** The reason why the writer cannot open the database; null if it can. */
  #unusable: string | null = null;
  /**
   * The code of an error that reports damage; null if there is none. The damage is not confirmed yet by a check of the
   * pages.
   */
  #suspicion: string | null = null;
  /** The state that the database file had when its pages were last checked. */
  #checked: bigint;
  #checkAfterMs = 0;
  #nowMs: number;
  #fault: string | null = null;

  constructor(options: StorageWatchOptions) {
    this.#options = options;
    this.#nowMs = options.nowMs;
    this.#checked = options.files.readState().changed;
    this.#periodic = new Periodic({
      intervalMs: STORAGE_WATCH_INTERVAL_MS,
      nowMs: options.nowMs,
      work: () => this.#look(),
      urgent: () => this.#suspicion !== null && this.#damage === null,
    });
  }

  /** The reason why writes cannot be stored durably; null if they can. */
  get fault(): string | null {
    return this.#fault;
  }

  tick(nowMs: number): void {
    this.#nowMs = nowMs;
    this.#periodic.tick(nowMs);
  }

  /** Ends the watch. Does not wait for a running check: it may take long, and it ends with the pool. */
  close(): Promise<void> {
    void this.#periodic.close();
    return Promise.resolve();
  }

  /** Handles an error that a thread threw. If the error is SQLite's report of damage, all pages are checked next. */
  takeError(error: unknown): void {
    if (isDamage(error)) this.#suspicion = sqliteCode(error) ?? null;
  }

  /** Records the error code of the writer's attempt to open the database; null if the attempt succeeded. */
  takeUnusable(code: string | null): void {
    this.#unusable = code === null ? null : `the database cannot be opened (${code})`;
    this.#settle();
  }

  /**
   * Looks whether the database's files are still in place. Returns the fault; null if there is none. Must be called
   * before the database is opened again, because a file may have been replaced since it was first opened.
   */
  findFault(): string | null {
    this.#files = this.#options.files.findFault();
    this.#settle();
    return this.#files;
  }

  async #look(): Promise<void> {
    if (this.findFault() === null) await this.#checkPages();
  }

  async #checkPages(): Promise<void> {
    const { changed, bytes } = this.#options.files.readState();
    const suspicion = this.#suspicion;
    const isDue = suspicion !== null || (changed !== this.#checked && bytes <= CHECKED_BYTES_MAX);
    if (!isDue || this.#nowMs < this.#checkAfterMs) return;
    const started = performance.now();
    const damage = await this.#options.check();
    this.#checkAfterMs = this.#nowMs + (performance.now() - started) * PAUSE_PER_CHECK;
    if (damage instanceof Failure) {
      // If the check does not end in time, the damage that was reported counts as confirmed.
      if (damage.status === "DEADLINE_EXCEEDED" && suspicion !== null) this.#damage = `it is damaged (${suspicion})`;
    } else {
      this.#checked = changed;
      this.#damage = damage === null ? null : `it is damaged (${damage})`;
      this.#suspicion = damage;
    }
    this.#settle();
  }

  #settle(): void {
    const { log, hold } = this.#options;
    const fault = this.#files ?? this.#damage ?? this.#unusable;
    if (fault === this.#fault) return;
    this.#fault = fault;
    if (fault === null) {
      log.info("the database takes writes again");
      hold(null);
    } else {
      log.error("the database takes no writes", { reason: fault });
      hold(new Failure("UNAVAILABLE", `the database takes no writes: ${fault}`));
    }
  }
}
