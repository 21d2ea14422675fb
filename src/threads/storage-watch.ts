/**
 * Watches whether the database can keep what is written: its files are looked at every few seconds, its pages after
 * each change of the file, and after an error that says that they are damaged. While something is wrong, writes are
 * refused with the reason, `/health` gives it, and the log has it once. A background task; runs on the front.
 */
import { STORAGE_WATCH_INTERVAL_MS } from "../../schemas/limits.js";
import type { BackgroundTask } from "../background/task.js";
import { Periodic } from "../background/periodic.js";
import type { Log } from "../base/log.js";
import { Failure } from "../base/result.js";
import type { OpenFiles } from "../store/open-files.js";
import { isDamage } from "../store/open.js";
import { CHECKED_BYTES_MAX } from "../store/sound.js";
import { sqliteCode } from "../store/sqlite/codes.js";

/** A check of all pages is begun at the soonest when this many times the duration of the last one has passed. */
const PAUSE_PER_CHECK = 10;

export interface StorageWatchOptions {
  readonly files: Pick<OpenFiles, "findFault" | "readState">;
  /** Checks all pages: what is wrong, null where nothing is, a Failure where that could not be found out. */
  readonly check: () => Promise<string | null | Failure>;
  readonly log: Log;
  /** The first look is due one interval from here. */
  readonly now_ms: number;
  /** Refuses writes with this until it is called with null. */
  readonly hold: (refusal: Failure | null) => void;
}

export class StorageWatch implements BackgroundTask {
  readonly #options: StorageWatchOptions;
  readonly #periodic: Periodic<void>;
  /** What is wrong with the files, by their paths. */
  #files: string | null = null;
  /** What is wrong with the pages. */
  #damage: string | null = null;
  /** Why the writer cannot open the database. */
  #unusable: string | null = null;
  /** An error that speaks of damage, which no check has confirmed yet. */
  #suspicion: string | null = null;
  /** What the database's file was when its pages were checked last. */
  #checked: bigint;
  #check_after_ms = 0;
  #now_ms: number;
  #fault: string | null = null;

  constructor(options: StorageWatchOptions) {
    this.#options = options;
    this.#now_ms = options.now_ms;
    this.#checked = options.files.readState().changed;
    this.#periodic = new Periodic({
      interval_ms: STORAGE_WATCH_INTERVAL_MS,
      now_ms: options.now_ms,
      work: () => this.#look(),
      urgent: () => this.#suspicion !== null && this.#damage === null,
    });
  }

  /** Why what is written could not be kept; null where it can be. */
  get fault(): string | null {
    return this.#fault;
  }

  tick(now_ms: number): void {
    this.#now_ms = now_ms;
    this.#periodic.tick(now_ms);
  }

  /** Does not wait for a check: it may take long, and ends with the pool. */
  close(): Promise<void> {
    void this.#periodic.close();
    return Promise.resolve();
  }

  /** Takes what a thread threw: an error of SQLite that speaks of damage has the pages checked. */
  takeError(error: unknown): void {
    if (isDamage(error)) this.#suspicion = sqliteCode(error) ?? null;
  }

  /** The writer cannot open the database, for this reason; or can, where it is null. */
  takeUnusable(code: string | null): void {
    this.#unusable = code === null ? null : `the database cannot be opened (${code})`;
    this.#settle();
  }

  /** Whether the files are those that were opened: only then the database is opened again. */
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
    const is_due = suspicion !== null || (changed !== this.#checked && bytes <= CHECKED_BYTES_MAX);
    if (!is_due || this.#now_ms < this.#check_after_ms) return;
    const started = performance.now();
    const damage = await this.#options.check();
    this.#check_after_ms = this.#now_ms + (performance.now() - started) * PAUSE_PER_CHECK;
    if (damage instanceof Failure) {
      // What could not be refuted in time is taken as it was said.
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
