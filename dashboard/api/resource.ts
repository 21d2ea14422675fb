/**
 * A live resource: data of the server that a view shows and keeps up to date. The data are fetched when they are first
 * shown, and again after each change that the change feed reports.
 *
 * A resource is kept for a while after its view was closed. If a new fetch fails, the resource keeps the old data and
 * reports the error.
 */
import { signal, type ReadonlySignal, type Signal } from "@preact/signals";
import { useLayoutEffect, useMemo } from "preact/hooks";
import { isFinal, reasonOf } from "./client.js";
import { feedState, listenForChanges, type Change } from "./changes.js";
import type { AskedKind } from "./types.js";
import { listenForVisibility } from "../base/visibility.js";

export interface Loader<T> {
  /** Identifies the resource, including its parameters. Loaders with the same key share one resource. */
  readonly key: string;
  /** The kinds of changes after which the data are fetched again. */
  readonly kinds: readonly AskedKind[];
  /** Fetches the data. For data that only grow, the loader may extend `held`, which is the data of its last fetch. */
  readonly fetch: (signal: AbortSignal, held?: T) => Promise<T>;
  /**
   * Applies one change to the data. Returns undefined if the data must be fetched again instead. A patch is useful for
   * long lists in which one row changes.
   */
  readonly patch?: (data: T, change: Change, signal: AbortSignal) => Promise<T> | undefined;
  /** Whether a change affects this resource. By default, each change of its kinds does. */
  readonly concerns?: (change: Change) => boolean;
  /** The interval of additional fetches, in ms. It is set for data that change without a change event. */
  readonly everyMs?: number;
  /**
   * The minimum time between fetches after changes, in ms. It is set for data that change often and are expensive to
   * load.
   */
  readonly gapMsMin?: number;
}

export interface Resource<T> {
  /** The data; undefined until the first fetch has succeeded. */
  readonly data: ReadonlySignal<T | undefined>;
  /** The error of the last fetch; null if it succeeded. */
  readonly error: ReadonlySignal<unknown>;
  readonly loading: ReadonlySignal<boolean>;
  /** The time when the data were fetched, in ms since the epoch. */
  readonly fetchedMs: ReadonlySignal<number>;
  /** Fetches the data now. */
  refresh(): Promise<void>;
}

/** The minimum time between two fetches of a resource, in ms. It makes a burst of changes cause only one fetch. */
const GAP_MS_MIN = 300;
/**
 * The delay of a fetch after a message `lagged`, in ms. It is longer than the normal delay, because the message does
 * not say whether this resource has changed.
 */
const LAGGED_GAP_MS = 2_000;
/**
 * The delay after which data are fetched again that were fetched before the change feed opened, in ms. The delay is
 * long, because the data have rarely changed meanwhile, and a page that opens has more urgent requests.
 */
const OPENED_DELAY_MS = 500;
/** The delay before a fetch is retried after a temporary error, in ms. Any error except a 4xx answer is temporary. */
const RETRY_MS = 3_000;
/** The minimum time between two fetches is at least this many times the duration of the last fetch. */
const GAP_PER_FETCH = 5;
/** The maximum number of changes that wait to be applied by `patch`. If there are more, the data are fetched again. */
const PATCHES_MAX = 16;
/** The maximum number of resources that are kept after their views were closed. */
const KEPT_MAX = 12;

/** One live resource. It does not depend on the components that show it. */
export class LiveResource<T> implements Resource<T> {
  readonly data: Signal<T | undefined> = signal(undefined);
  readonly error = signal<unknown>(null);
  readonly loading = signal(false);
  readonly fetchedMs = signal(0);
  #loader: Loader<T>;
  #users = 0;
  #stop: (() => void)[] = [];
  #abort = new AbortController();
  #fetching: Promise<void> | null = null;
  #again = false;
  #timer: ReturnType<typeof setTimeout> | undefined;
  #dueMs = Number.POSITIVE_INFINITY;
  #gapMs = GAP_MS_MIN;
  #patches = 0;
  /** Whether the change feed was live when the last fetch began. If it was, no change has been missed since then. */
  #covered = false;

  constructor(loader: Loader<T>) {
    this.#loader = loader;
  }

  /** Registers a component that shows the resource. */
  attach(loader: Loader<T>): void {
    this.#loader = loader;
    this.#users += 1;
    if (this.#users > 1) return;
    this.#abort = new AbortController();
    const { kinds, everyMs } = loader;
    this.#stop = [
      listenForChanges(kinds, (change) => this.#take(change)),
      listenForVisibility((visible) => {
        if (visible && everyMs !== undefined) this.#plan(0);
      }),
    ];
    if (everyMs !== undefined) {
      const timer = setInterval(() => {
        if (document.visibilityState === "visible") this.#plan(0);
      }, everyMs);
      this.#stop.push(() => clearInterval(timer));
    }
    void this.refresh();
  }

  /** Removes a component that shows the resource. */
  detach(): void {
    this.#users -= 1;
    if (this.#users > 0) return;
    for (const stop of this.#stop.splice(0)) stop();
    clearTimeout(this.#timer);
    this.#timer = undefined;
    this.#dueMs = Number.POSITIVE_INFINITY;
    this.#abort.abort();
  }

  get used(): boolean {
    return this.#users > 0;
  }

  refresh(): Promise<void> {
    if (this.#fetching !== null) {
      this.#again = true;
      return this.#fetching;
    }
    this.#fetching = this.#fetch().finally(() => {
      this.#fetching = null;
      if (this.#again && this.used) this.#plan(this.#gapMs);
      this.#again = false;
    });
    return this.#fetching;
  }

  async #fetch(): Promise<void> {
    const { signal: stopped } = this.#abort;
    const started = performance.now();
    this.#covered = feedState.peek() === "live";
    this.loading.value = true;
    try {
      const data = await this.#loader.fetch(stopped, this.data.value);
      if (stopped.aborted) return;
      this.data.value = data;
      this.error.value = null;
      this.fetchedMs.value = Date.now();
    } catch (error) {
      if (stopped.aborted) return;
      this.error.value = error;
      // A busy or unreachable server recovers, so the fetch is retried. After a final answer a retry would be useless
      // until something changes.
      if (!isFinal(error)) this.#plan(RETRY_MS);
    } finally {
      this.loading.value = false;
      const { gapMsMin = GAP_MS_MIN } = this.#loader;
      this.#gapMs = Math.max(gapMsMin, (performance.now() - started) * GAP_PER_FETCH);
    }
  }

  #take(change: Change | "opened" | null): void {
    if (change === "opened") {
      if (!this.#covered) this.#plan(OPENED_DELAY_MS);
      return;
    }
    if (change === null) {
      this.#plan(Math.max(LAGGED_GAP_MS, this.#gapMs));
      return;
    }
    if (this.#loader.concerns?.(change) === false) return;
    const data = this.data.value;
    const { patch } = this.#loader;
    // A fetch that is running may return older data and overwrite patched data. So the data are not patched, but
    // fetched again.
    const fetching = this.#fetching !== null;
    if (fetching || data === undefined || patch === undefined || this.#patches >= PATCHES_MAX) this.#plan(this.#gapMs);
    else void this.#patch(patch, change);
  }

  /**
   * The last patch that was started. Patches run one at a time, because each continues from the result of the previous
   * one.
   */
  #patching: Promise<void> = Promise.resolve();

  #patch(patch: NonNullable<Loader<T>["patch"]>, change: Change): Promise<void> {
    this.#patches += 1;
    const { signal: stopped } = this.#abort;
    this.#patching = this.#patching.then(async () => {
      try {
        const data = this.data.value;
        const patched = data === undefined ? undefined : patch(data, change, stopped);
        if (patched === undefined) this.#plan(this.#gapMs);
        else {
          const next = await patched;
          if (stopped.aborted) return;
          // If the data have changed, a fetch has finished during the patch. The fetched data may lack this patch's
          // change, and the patched data lack what the fetch has found. So both are discarded for another fetch.
          if (this.data.value === data) this.data.value = next;
          else this.#plan(this.#gapMs);
        }
      } catch {
        if (!stopped.aborted) this.#plan(this.#gapMs);
      } finally {
        this.#patches -= 1;
      }
    });
    return this.#patching;
  }

  /** Schedules a fetch in `delayMs`, unless one is already scheduled earlier. */
  #plan(delayMs: number): void {
    const dueMs = performance.now() + delayMs;
    if (!this.used || dueMs >= this.#dueMs) return;
    clearTimeout(this.#timer);
    this.#dueMs = dueMs;
    this.#timer = setTimeout(() => {
      this.#dueMs = Number.POSITIVE_INFINITY;
      void this.refresh();
    }, delayMs);
  }
}

/** Resources by key, least recently used first. */
const resources = new Map<string, LiveResource<unknown>>();

function resourceOf<T>(loader: Loader<T>): LiveResource<T> {
  const known = resources.get(loader.key) as LiveResource<T> | undefined;
  const resource = known ?? new LiveResource(loader);
  resources.delete(loader.key);
  resources.set(loader.key, resource as LiveResource<unknown>);
  if (!evicting) queueMicrotask(evict);
  evicting = true;
  return resource;
}

let evicting = false;

/**
 * Removes the resources that were not used for the longest time. Runs only after components have been mounted, because
 * until then the resource of a component that is being rendered has no user. If it were removed, the next component
 * would fetch the same data again.
 */
function evict(): void {
  evicting = false;
  const left = [...resources].filter(([, { used }]) => !used);
  for (const [key] of left.slice(0, Math.max(0, left.length - KEPT_MAX))) resources.delete(key);
}

/** Discards all resources when the session ends, because the next user may be another one. */
export function forgetResources(): void {
  resources.clear();
}

/** Returns the resource of a loader, and keeps it live while the component is mounted. */
export function useResource<T>(loader: Loader<T>): Resource<T> {
  const resource = useMemo(() => resourceOf(loader), [loader.key]);
  // Sends the requests before the first paint, because the paint takes longer than many of the answers.
  useLayoutEffect(() => {
    resource.attach(loader);
    return () => resource.detach();
  }, [resource]);
  return resource;
}

/** The error and the age of data. The notice that a refresh has failed shows them. */
export type Freshness = Pick<Resource<unknown>, "error" | "fetchedMs">;

/** Returns the message of a resource's error; "" if there is no error. */
export function failureOf(resource: Freshness): string {
  return resource.error.value === null ? "" : reasonOf(resource.error.value);
}
