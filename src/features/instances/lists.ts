/**
 * Makes lists of instances, the most recently seen first. A short list is made at once. A long one is made in steps:
 * the front examines all instances, orders those that match, and encodes them. The steps of all lists together take one
 * time slice of each tick, and the slices alternate between the callers. Instances may change between two steps. An
 * instance that is removed, or no longer matches, before it is encoded is left out. Runs on the front.
 */
import { INSTANCE_LIST_PAGE, INSTANCE_LIST_STEP } from "../../../schemas/limits/instances.js";
import { must } from "../../base/assert.js";
import { CallerSlices, type SlicedJob } from "./caller-slices.js";
import { compareRecency, encodeInstance, matchesFilter, type Directory, type InstanceFilter } from "./directory.js";

/** An instance that matches, and when it was last seen at that time. Later activity does not change its place. */
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
   * @param caller the key of the caller, with which it shares the time for long lists
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
    return this.#pages(filter, this.#slices.begin(caller), () => isGone);
  }

  async *#pages(
    filter: InstanceFilter,
    job: SlicedJob,
    isGone: () => boolean,
  ): AsyncGenerator<string, void, undefined> {
    try {
      const steps = collect(this.#directory, filter);
      let collected = await job.run(() => steps.next());
      while (collected.done !== true) {
        if (isGone()) return;
        collected = await job.run(() => steps.next());
      }
      const ids = collected.value;
      let separator = "[";
      for (let at = 0; at < ids.length && !isGone(); at += INSTANCE_LIST_PAGE) {
        const page = await job.run(() => this.#encode(ids.slice(at, at + INSTANCE_LIST_PAGE), filter));
        if (page === "") continue;
        yield separator + page;
        separator = ",";
      }
      yield separator === "[" ? "[]" : "]";
    } finally {
      job.end();
    }
  }

  #encode(ids: readonly string[], filter: InstanceFilter): string {
    const texts: string[] = [];
    for (const id of ids) {
      const entry = this.#directory.get(id);
      if (entry !== undefined && matchesFilter(entry, filter)) texts.push(encodeInstance(entry));
    }
    return texts.join(",");
  }
}

/**
 * Returns the ids of the instances that match a filter, the most recently seen first. It yields after each step of
 * bounded work, and the directory may change meanwhile.
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
    // After a load, the walk would visit instances a second time.
    if (directory.loads !== loads) continue;
    if (run.length > 0) runs.push(run.sort(compareRecency));
    // A slow client may keep the list in memory for long, so it has only the ids.
    return (yield* mergeAll(runs)).map(({ id }) => id);
  }
}

/** Merges ordered lists into one, two lists of about the same length at a time. */
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
