/**
 * Watches whether the database can store durably. It looks at the files every few seconds, and checks the pages after
 * each change of the file and after an error that reports damage. While something is wrong, writes are refused with the
 * reason, `/health` shows it, and the log has it once. A background task; runs on the front.
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

/** The pause between two checks of all pages, as a multiple of the duration of the last check. */
const PAUSE_PER_CHECK = 10;

export interface StorageWatchOptions {
  readonly files: Pick<OpenFiles, "findFault" | "readState">;
  /** Checks all pages. Returns the fault, null if there is none, or a Failure if the check could not finish. */
  readonly check: () => Promise<string | null | Failure>;
  readonly log: Log;
  /** The first look is due one interval after this time. */
  readonly now_ms: number;
  /** Refuses writes with this failure until it is called with null. */
  readonly hold: (refusal: Failure | null) => void;
}

export class StorageWatch implements BackgroundTask {
  readonly #options: StorageWatchOptions;
  readonly #periodic: Periodic<void>;
  /** The fault of the files, with their paths. */
  #files: string | null = null;
  /** The fault of the pages. */
  #damage: string | null = null;
  /** Why the writer cannot open the database. */
  #unusable: string | null = null;
  /** The code of an error that reports damage, not confirmed by a check yet. */
  #suspicion: string | null = null;
  /** The state of the database file at the last check of its pages. */
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

  /** Why a write could not be kept; null if it can be kept. */
  get fault(): string | null {
    return this.#fault;
  }

  tick(now_ms: number): void {
    this.#now_ms = now_ms;
    this.#periodic.tick(now_ms);
  }

  /** Does not wait for a check, which may take long and ends with the pool. */
  close(): Promise<void> {
    void this.#periodic.close();
    return Promise.resolve();
  }

  /** Takes an error that a thread threw. If SQLite reports damage in it, the pages are checked. */
  takeError(error: unknown): void {
    if (isDamage(error)) this.#suspicion = sqliteCode(error) ?? null;
  }

  /** Takes the code with which the writer cannot open the database; null if it can open it. */
  takeUnusable(code: string | null): void {
    this.#unusable = code === null ? null : `the database cannot be opened (${code})`;
    this.#settle();
  }

  /**
   * Returns the fault of the files, null if there is none. The database is opened again only if its files are those
   * that were opened first.
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
    const is_due = suspicion !== null || (changed !== this.#checked && bytes <= CHECKED_BYTES_MAX);
    if (!is_due || this.#now_ms < this.#check_after_ms) return;
    const started = performance.now();
    const damage = await this.#options.check();
    this.#check_after_ms = this.#now_ms + (performance.now() - started) * PAUSE_PER_CHECK;
    if (damage instanceof Failure) {
      // A suspicion that the check could not refute in time counts as confirmed.
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
