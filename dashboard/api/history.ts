/**
 * A log that only grows, read backwards: the newest rows first, older ones as they are asked for, what is new put on
 * top without a gap. The API is asked by time (`to`, inclusive), and many rows may have one time. How often, and when,
 * is use-history.ts's.
 */
import { signal, type ReadonlySignal } from "@preact/signals";

/** What is asked of a log. */
export interface LogPage {
  readonly limit: number;
  /** RFC 3339, inclusive; not given for the newest. */
  readonly to?: string;
}

export interface Log<Row> {
  /** Reads a page, newest first. */
  readonly read: (page: LogPage, signal: AbortSignal) => Promise<readonly Row[]>;
  /** Ids grow. */
  readonly idOf: (row: Row) => number;
  /** RFC 3339. */
  readonly timeOf: (row: Row) => string;
  /** Rows of one page. */
  readonly page_rows: number;
  /** Rows that are held at most; HISTORY_ROWS_MAX where it is not given. */
  readonly rows_max?: number;
}

/** What one call gives at most. */
export const PAGE_ROWS_MAX = 10_000;
/** Rows that are held: a page that is left open for a day must not grow. */
export const HISTORY_ROWS_MAX = 20_000;
/** When the newest page does not reach what is held, the next one is so much larger. */
const GROWTH = 8;

export class History<Row> {
  readonly #log: Log<Row>;
  readonly #rows = signal<readonly Row[] | undefined>(undefined);
  readonly #complete = signal(false);
  readonly #error = signal<unknown>(null);
  readonly #fetched_ms = signal(0);
  readonly #abort = new AbortController();
  readonly #rows_max: number;
  #turn: Promise<void> = Promise.resolve();

  constructor(log: Log<Row>) {
    this.#log = log;
    this.#rows_max = log.rows_max ?? HISTORY_ROWS_MAX;
  }

  /** Newest first; undefined until they came for the first time. */
  get rows(): ReadonlySignal<readonly Row[] | undefined> {
    return this.#rows;
  }

  /** Whether there is nothing older than what is held. */
  get complete(): ReadonlySignal<boolean> {
    return this.#complete;
  }

  /** Why the last call failed; null where it did not. */
  get error(): ReadonlySignal<unknown> {
    return this.#error;
  }

  /** When rows came last, ms since the epoch. */
  get fetched_ms(): ReadonlySignal<number> {
    return this.#fetched_ms;
  }

  /** Whether no more can be held, so that older rows have to be found by a filter. */
  get full(): boolean {
    return (this.#rows.value?.length ?? 0) >= this.#rows_max;
  }

  /** Reads what is new. */
  refresh(): Promise<void> {
    return this.#inTurn(() => this.#readNewest());
  }

  /** Reads the next older page. */
  older(): Promise<void> {
    return this.#inTurn(() => this.#readOlder());
  }

  close(): void {
    this.#abort.abort();
  }

  /** One call after the other: each begins with what the one before has made. */
  #inTurn(work: () => Promise<void>): Promise<void> {
    this.#turn = this.#turn.then(async () => {
      const { signal: stopped } = this.#abort;
      if (stopped.aborted) return;
      try {
        await work();
        this.#error.value = null;
        this.#fetched_ms.value = Date.now();
      } catch (error) {
        if (!stopped.aborted) this.#error.value = error;
      }
    });
    return this.#turn;
  }

  async #readNewest(): Promise<void> {
    const { read, idOf, page_rows } = this.#log;
    const held = this.#rows.value ?? [];
    const newest = held[0] === undefined ? 0 : idOf(held[0]);
    for (let limit = page_rows; ; limit = Math.min(limit * GROWTH, PAGE_ROWS_MAX)) {
      const page = await read({ limit }, this.#abort.signal);
      const everything = page.length < limit;
      const begins = page[0] === undefined ? 0 : idOf(page[0]);
      // Ids only grow: where they do not reach ours, this is another log than before.
      if (everything || held.length === 0 || begins < newest) {
        this.#set(page, everything);
        return;
      }
      if (page.some((row) => idOf(row) <= newest)) {
        this.#set([...page.filter((row) => idOf(row) > newest), ...held], this.#complete.value);
        return;
      }
      // More has come than one call gives: what was held lies behind a gap, and is to be loaded again.
      if (limit === PAGE_ROWS_MAX) {
        this.#set(page, false);
        return;
      }
    }
  }

  async #readOlder(): Promise<void> {
    const { read, idOf, timeOf, page_rows } = this.#log;
    const held = this.#rows.value ?? [];
    const oldest = held.at(-1);
    if (oldest === undefined || this.#complete.value || this.full) return;
    const to = timeOf(oldest);
    const known = held.filter((row) => timeOf(row) === to).length;
    const limit = Math.min(page_rows + known, PAGE_ROWS_MAX);
    const page = await read({ limit, to }, this.#abort.signal);
    const added = page.filter((row) => idOf(row) < idOf(oldest));
    this.#set([...held, ...added], page.length < limit || added.length === 0);
  }

  #set(rows: readonly Row[], complete: boolean): void {
    if (this.#abort.signal.aborted) return;
    const fits = rows.length <= this.#rows_max;
    this.#rows.value = fits ? rows : rows.slice(0, this.#rows_max);
    this.#complete.value = complete && fits;
  }
}
