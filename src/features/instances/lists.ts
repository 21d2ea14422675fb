/**
 * Makes lists of instances, the most recently seen first. A short list is made at once. A long list is made in steps:
 * the front examines all instances, sorts those that match, and encodes them. The steps of all lists together take one
 * time slice of each tick, and the slices alternate between the callers. Instances may change between two steps. An
 * instance is left out if, by the time it is encoded, it was removed or no longer matches. Runs on the front.
 */
import { INSTANCE_LIST_PAGE, INSTANCE_LIST_STEP } from "../../../schemas/limits/instances.js";
import { must } from "../../base/assert.js";
import { CallerSlices } from "./caller-slices.js";
import type { Directory } from "./directory.js";
import { compareRecency, encodeInstance, matchesFilter, type Entry, type InstanceFilter } from "./entry.js";

/**
 * A matching instance, with its last_seen at the time of the match. Later activity does not change its place in the
 * list.
 */
interface Found {
  readonly id: string;
  readonly row: number;
  readonly last_seen: number;
}

export class InstanceLists {
  readonly #directory: Directory;
  readonly #slices: CallerSlices;

  constructor(directory: Directory, slices = new CallerSlices()) {
    this.#directory = directory;
    this.#slices = slices;
  }

  /**
   * Returns the JSON text of the instances that match the filter: a short list as a whole, a long one in pages.
   * @param caller the key of the caller; all long lists of one caller share that caller's time
   * @param onAbort registers a listener that is called when the client disconnects
   */
  read(
    filter: InstanceFilter,
    caller: string,
    onAbort: (listener: () => void) => void,
  ): string | AsyncGenerator<string, void, undefined> {
    const directory = this.#directory;
    const { status } = filter;
    const size = status === undefined ? directory.size : directory.counts[status];
    if (size <= INSTANCE_LIST_PAGE) {
      const found = directory.list(status).filter((entry) => matchesFilter(entry, filter));
      return `[${found.map(encodeInstance).join(",")}]`;
    }
    let isGone = false;
    onAbort(() => {
      isGone = true;
    });
    return joinPages(this.#pages(filter, caller, encodeAll, () => isGone));
  }

  /**
   * Returns the JSON text of these instances: a short list as a whole, a long one in pages. Each instance is encoded in
   * its state at the time of encoding.
   * @param caller see `read`
   * @param onAbort see `read`
   */
  encode(
    entries: readonly Entry[],
    caller: string,
    onAbort: (listener: () => void) => void,
  ): string | AsyncGenerator<string, void, undefined> {
    if (entries.length <= INSTANCE_LIST_PAGE) return `[${encodeAll(entries)}]`;
    let isGone = false;
    onAbort(() => {
      isGone = true;
    });
    return joinPages(this.#encodePages(entries, caller, () => isGone));
  }

  /** Yields the instances that match the filter, in pages of at most INSTANCE_LIST_PAGE. See `read` for the caller. */
  walk(filter: InstanceFilter, caller: string): AsyncGenerator<readonly Entry[], void, undefined> {
    return this.#pages(
      filter,
      caller,
      (entries) => entries,
      () => false,
    );
  }

  /** @param make makes a page from instances; it runs in a time slice of the caller */
  async *#pages<Page>(
    filter: InstanceFilter,
    caller: string,
    make: (entries: readonly Entry[]) => Page,
    isGone: () => boolean,
  ): AsyncGenerator<Page, void, undefined> {
    const job = this.#slices.begin(caller);
    try {
      const steps = collect(this.#directory, filter);
      let collected = await job.run(() => steps.next());
      while (collected.done !== true) {
        if (isGone()) return;
        collected = await job.run(() => steps.next());
      }
      const ids = collected.value;
      for (let at = 0; at < ids.length && !isGone(); at += INSTANCE_LIST_PAGE)
        yield await job.run(() => make(this.#matching(ids.slice(at, at + INSTANCE_LIST_PAGE), filter)));
    } finally {
      job.end();
    }
  }

  async *#encodePages(
    entries: readonly Entry[],
    caller: string,
    isGone: () => boolean,
  ): AsyncGenerator<string, void, undefined> {
    const job = this.#slices.begin(caller);
    try {
      for (let at = 0; at < entries.length && !isGone(); at += INSTANCE_LIST_PAGE)
        yield await job.run(() => encodeAll(entries.slice(at, at + INSTANCE_LIST_PAGE)));
    } finally {
      job.end();
    }
  }

  #matching(ids: readonly string[], filter: InstanceFilter): Entry[] {
    const entries: Entry[] = [];
    for (const id of ids) {
      const entry = this.#directory.get(id);
      if (entry !== undefined && matchesFilter(entry, filter)) entries.push(entry);
    }
    return entries;
  }
}

function encodeAll(entries: readonly Entry[]): string {
  return entries.map(encodeInstance).join(",");
}

/** Joins pages of JSON texts to one array. A page may be empty. */
async function* joinPages(pages: AsyncIterable<string>): AsyncGenerator<string, void, undefined> {
  let separator = "[";
  for await (const page of pages) {
    if (page === "") continue;
    yield separator + page;
    separator = ",";
  }
  yield separator === "[" ? "[]" : "]";
}

/**
 * Finds the ids of the instances that match a filter, the most recently seen first. It yields after each step of
 * bounded work. The directory may change between the steps.
 */
export function* collect(directory: Directory, filter: InstanceFilter): Generator<void, readonly string[], void> {
  for (;;) {
    const { loads } = directory;
    const runs: Found[][] = [];
    let run: Found[] = [];
    let examined = 0;
    for (const entry of directory.entries()) {
      if (matchesFilter(entry, filter)) run.push({ id: entry.id, row: entry.row, last_seen: entry.last_seen });
      examined += 1;
      if (examined % INSTANCE_LIST_STEP !== 0) continue;
      if (run.length > 0) runs.push(run.sort(compareRecency));
      run = [];
      yield;
      if (directory.loads !== loads) break;
    }
    // Start again after a reload of the directory. Otherwise the walk would visit some instances twice.
    if (directory.loads !== loads) continue;
    if (run.length > 0) runs.push(run.sort(compareRecency));
    // Return only the ids, because a slow client may keep the list in memory for a long time.
    return (yield* mergeAll(runs)).map(({ id }) => id);
  }
}

/** Merges sorted lists into one. It merges two neighbouring lists at a time, so their lengths are similar. */
function* mergeAll(runs: readonly Found[][]): Generator<void, Found[], void> {
  let rest = runs;
  while (rest.length > 1) {
    const merged: Found[][] = [];
    for (let at = 0; at < rest.length; at += 2) {
      const [one = [], other = []] = rest.slice(at, at + 2);
      merged.push(other.length === 0 ? one : yield* merge(one, other));
    }
    rest = merged;
  }
  return rest[0] ?? [];
}

function* merge(one: readonly Found[], other: readonly Found[]): Generator<void, Found[], void> {
  const merged: Found[] = [];
  let first = one[0];
  let second = other[0];
  for (let [at, to] = [0, 0]; at + to < one.length + other.length; ) {
    if (second === undefined || (first !== undefined && compareRecency(first, second) <= 0)) {
      merged.push(must(first, "one of the lists has more"));
      first = one[++at];
    } else {
      merged.push(second);
      second = other[++to];
    }
    if (merged.length % INSTANCE_LIST_STEP === 0) yield;
  }
  return merged;
}
