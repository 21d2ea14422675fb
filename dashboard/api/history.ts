/**
 * Reads a growing log backwards, page by page: the newest rows first, and older rows on demand. New rows are added at
 * the top without a gap. use-history.ts decides when to read.
 *
 * The API selects a page by its latest time (`to`, inclusive). Many rows may have the same time.
 */
import { signal, type ReadonlySignal } from "@preact/signals";

/** The parameters of one page. */
export interface LogPage {
  readonly limit: number;
  /** The latest time of the rows to read, in RFC 3339, inclusive. If it is undefined, the newest rows are read. */
  readonly to?: string;
}

export interface Log<Row> {
  /** Reads a page of rows, the newest row first. */
  readonly read: (page: LogPage, signal: AbortSignal) => Promise<readonly Row[]>;
  /** Returns a row's id. A newer row has a larger id. */
  readonly idOf: (row: Row) => number;
  /** Returns a row's time, in RFC 3339. */
  readonly timeOf: (row: Row) => string;
  /** The number of rows in a page. */
  readonly pageRows: number;
  /** The maximum number of rows held; HISTORY_ROWS_MAX by default. */
  readonly rowsMax?: number;
}

/** The maximum number of rows that one request returns. */
export const PAGE_ROWS_MAX = 10_000;
/**
 * The default maximum number of held rows. Without a limit, a page that is open for a day would need ever more memory.
 */
export const HISTORY_ROWS_MAX = 20_000;
/** If the newest page does not reach back to the held rows, a page larger by this factor is read. */
const GROWTH = 8;

export class History<Row> {
  readonly #log: Log<Row>;
  readonly #rows = signal<readonly Row[] | undefined>(undefined);
  readonly #complete = signal(false);
  readonly #error = signal<unknown>(null);
  readonly #fetchedMs = signal(0);
  readonly #abort = new AbortController();
  readonly #rowsMax: number;
  #last: Promise<void> = Promise.resolve();

  constructor(log: Log<Row>) {
    this.#log = log;
    this.#rowsMax = log.rowsMax ?? HISTORY_ROWS_MAX;
  }

  /** The held rows, newest first; undefined until the first page is loaded. */
  get rows(): ReadonlySignal<readonly Row[] | undefined> {
    return this.#rows;
  }

  /** Whether all older rows are held, too. */
  get complete(): ReadonlySignal<boolean> {
    return this.#complete;
  }

  /** The error of the last request; null if it succeeded. */
  get error(): ReadonlySignal<unknown> {
    return this.#error;
  }

  /** The time when rows were last read, in ms since the epoch. */
  get fetchedMs(): ReadonlySignal<number> {
    return this.#fetchedMs;
  }

  /** Whether the maximum number of rows is held. Older rows can then be read only with a filter. */
  get full(): boolean {
    return (this.#rows.value?.length ?? 0) >= this.#rowsMax;
  }

  /** Reads the new rows. */
  refresh(): Promise<void> {
    return this.#serialize(() => this.#readNewest());
  }

  /** Reads the next older page. */
  older(): Promise<void> {
    return this.#serialize(() => this.#readOlder());
  }

  close(): void {
    this.#abort.abort();
  }

  /** Runs requests one at a time, because each continues from the rows that the previous one has read. */
  #serialize(work: () => Promise<void>): Promise<void> {
    this.#last = this.#last.then(async () => {
      const { signal: stopped } = this.#abort;
      if (stopped.aborted) return;
      try {
        await work();
        this.#error.value = null;
        this.#fetchedMs.value = Date.now();
      } catch (error) {
        if (!stopped.aborted) this.#error.value = error;
      }
    });
    return this.#last;
  }

  async #readNewest(): Promise<void> {
    const { read, idOf, pageRows } = this.#log;
    const held = this.#rows.value ?? [];
    const newest = held[0] === undefined ? 0 : idOf(held[0]);
    for (let limit = pageRows; ; limit = Math.min(limit * GROWTH, PAGE_ROWS_MAX)) {
      const page = await read({ limit }, this.#abort.signal);
      const everything = page.length < limit;
      const begins = page[0] === undefined ? 0 : idOf(page[0]);
      // Ids only grow. So if the newest id in the answer is smaller than the newest held id, the server has another log
      // now.
      if (everything || held.length === 0 || begins < newest) {
        this.#set(page, everything);
        return;
      }
      if (page.some((row) => idOf(row) <= newest)) {
        this.#set([...page.filter((row) => idOf(row) > newest), ...held], this.#complete.value);
        return;
      }
      // One request cannot return all new rows, so rows between the new and the held ones are missing. Drops the held
      // rows, which are loaded again on demand.
      if (limit === PAGE_ROWS_MAX) {
        this.#set(page, false);
        return;
      }
    }
  }

  async #readOlder(): Promise<void> {
    const { read, idOf, timeOf, pageRows } = this.#log;
    const held = this.#rows.value ?? [];
    const oldest = held.at(-1);
    if (oldest === undefined || this.#complete.value || this.full) return;
    const to = timeOf(oldest);
    const known = held.filter((row) => timeOf(row) === to).length;
    const limit = Math.min(pageRows + known, PAGE_ROWS_MAX);
    const page = await read({ limit, to }, this.#abort.signal);
    const added = page.filter((row) => idOf(row) < idOf(oldest));
    this.#set([...held, ...added], page.length < limit || added.length === 0);
  }

  #set(rows: readonly Row[], complete: boolean): void {
    if (this.#abort.signal.aborted) return;
    const fits = rows.length <= this.#rowsMax;
    this.#rows.value = fits ? rows : rows.slice(0, this.#rowsMax);
    this.#complete.value = complete && fits;
  }
}
