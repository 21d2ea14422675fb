/**
 * What a view shows of the server: fetched when it is first looked at, fetched again when the feed of changes says
 * that it is another now, kept for a while after the view was left. One that cannot be refreshed keeps what it had,
 * and says so.
 */
import { signal, type ReadonlySignal, type Signal } from "@preact/signals";
import { useEffect, useMemo } from "preact/hooks";
import { ApiError, reasonOf } from "./client.js";
import { feedState, listenForChanges, type Change } from "./changes.js";
import type { AskedKind } from "./types.js";
import { listenForVisibility } from "../base/visibility.js";

export interface Loader<T> {
  /** What it is, parameters included: two loaders of one key have one answer. */
  readonly key: string;
  /** The kinds of changes after which it is fetched anew. */
  readonly kinds: readonly AskedKind[];
  readonly fetch: (signal: AbortSignal) => Promise<T>;
  /**
   * What becomes of the data by one change; undefined where it must be fetched. For long lists, of which one row
   * changes.
   */
  readonly patch?: (data: T, change: Change, signal: AbortSignal) => Promise<T> | undefined;
  /** Whether a change concerns it; each of its kinds does where this is not given. */
  readonly concerns?: (change: Change) => boolean;
  /** Fetched at this interval, besides: for what changes without anybody's doing. */
  readonly every_ms?: number;
  /** Changes do not have it fetched more often than this: for what is dear and changes with every call. */
  readonly gap_ms_min?: number;
}

export interface Resource<T> {
  /** Undefined until it was fetched for the first time. */
  readonly data: ReadonlySignal<T | undefined>;
  /** Why the last fetch failed; null where it did not. */
  readonly error: ReadonlySignal<unknown>;
  readonly loading: ReadonlySignal<boolean>;
  /** When the data came, ms since the epoch. */
  readonly fetched_ms: ReadonlySignal<number>;
  /** Fetches now. */
  refresh(): Promise<void>;
}

/** Between two fetches of one resource: a burst of changes is one fetch. */
const GAP_MS_MIN = 300;
/** After `lagged`, when nobody can say whether anything of it has changed. */
const LAGGED_GAP_MS = 2_000;
/** After a failure that is none of what was asked for. */
const RETRY_MS = 3_000;
/** A fetch that takes long is not done more often than this many times its own duration. */
const GAP_PER_FETCH = 5;
/** Changes that wait to be patched in; more are one fetch. */
const PATCHES_MAX = 16;
/** Resources of views that were left, kept for coming back. */
const KEPT_MAX = 12;

/** One resource, apart from the components that show it. */
export class LiveResource<T> implements Resource<T> {
  readonly data: Signal<T | undefined> = signal(undefined);
  readonly error = signal<unknown>(null);
  readonly loading = signal(false);
  readonly fetched_ms = signal(0);
  #loader: Loader<T>;
  #users = 0;
  #stop: (() => void)[] = [];
  #abort = new AbortController();
  #fetching: Promise<void> | null = null;
  #again = false;
  #timer: ReturnType<typeof setTimeout> | undefined;
  #due_ms = Number.POSITIVE_INFINITY;
  #gap_ms = GAP_MS_MIN;
  #patches = 0;
  /** Whether changes were told of when the last fetch began: none can have been missed since. */
  #covered = false;

  constructor(loader: Loader<T>) {
    this.#loader = loader;
  }

  /** A view shows it. */
  attach(loader: Loader<T>): void {
    this.#loader = loader;
    this.#users += 1;
    if (this.#users > 1) return;
    this.#abort = new AbortController();
    const { kinds, every_ms } = loader;
    this.#stop = [
      listenForChanges(kinds, (change) => this.#take(change)),
      listenForVisibility((visible) => {
        if (visible && every_ms !== undefined) this.#plan(0);
      }),
    ];
    if (every_ms !== undefined) {
      const timer = setInterval(() => {
        if (document.visibilityState === "visible") this.#plan(0);
      }, every_ms);
      this.#stop.push(() => clearInterval(timer));
    }
    void this.refresh();
  }

  /** A view shows it no more. */
  detach(): void {
    this.#users -= 1;
    if (this.#users > 0) return;
    for (const stop of this.#stop.splice(0)) stop();
    clearTimeout(this.#timer);
    this.#timer = undefined;
    this.#due_ms = Number.POSITIVE_INFINITY;
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
      if (this.#again && this.used) this.#plan(this.#gap_ms);
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
      const data = await this.#loader.fetch(stopped);
      if (stopped.aborted) return;
      this.data.value = data;
      this.error.value = null;
      this.fetched_ms.value = Date.now();
    } catch (error) {
      if (stopped.aborted) return;
      this.error.value = error;
      // A refusal stays one until something changes; a server that is busy or away comes back.
      if (!(error instanceof ApiError && isRefusal(error.status))) this.#plan(RETRY_MS);
    } finally {
      this.loading.value = false;
      const { gap_ms_min = GAP_MS_MIN } = this.#loader;
      this.#gap_ms = Math.max(gap_ms_min, (performance.now() - started) * GAP_PER_FETCH);
    }
  }

  #take(change: Change | "opened" | null): void {
    if (change === "opened") {
      if (!this.#covered) this.#plan(0);
      return;
    }
    if (change === null) {
      this.#plan(Math.max(LAGGED_GAP_MS, this.#gap_ms));
      return;
    }
    if (this.#loader.concerns?.(change) === false) return;
    const data = this.data.value;
    const { patch } = this.#loader;
    // What is being fetched may be of before the change, and would take the place of what is patched now.
    const fetching = this.#fetching !== null;
    if (fetching || data === undefined || patch === undefined || this.#patches >= PATCHES_MAX) this.#plan(this.#gap_ms);
    else void this.#patch(patch, change);
  }

  /** Patches follow one another: each begins with what the one before has made. */
  #patching: Promise<void> = Promise.resolve();

  #patch(patch: NonNullable<Loader<T>["patch"]>, change: Change): Promise<void> {
    this.#patches += 1;
    const { signal: stopped } = this.#abort;
    this.#patching = this.#patching.then(async () => {
      try {
        const data = this.data.value;
        const patched = data === undefined ? undefined : patch(data, change, stopped);
        if (patched === undefined) this.#plan(this.#gap_ms);
        else {
          const next = await patched;
          if (stopped.aborted) return;
          // Fetched meanwhile: what was patched is of before that, or that of before the change.
          if (this.data.value === data) this.data.value = next;
          else this.#plan(this.#gap_ms);
        }
      } catch {
        if (!stopped.aborted) this.#plan(this.#gap_ms);
      } finally {
        this.#patches -= 1;
      }
    });
    return this.#patching;
  }

  /** Fetches in so many ms, or when it was to be done anyway, whichever comes first. */
  #plan(delay_ms: number): void {
    const due_ms = performance.now() + delay_ms;
    if (!this.used || due_ms >= this.#due_ms) return;
    clearTimeout(this.#timer);
    this.#due_ms = due_ms;
    this.#timer = setTimeout(() => {
      this.#due_ms = Number.POSITIVE_INFINITY;
      void this.refresh();
    }, delay_ms);
  }
}

function isRefusal(status: number): boolean {
  return status >= 400 && status < 500;
}

/** By key, the least recently used first. */
const resources = new Map<string, LiveResource<unknown>>();

function resourceOf<T>(loader: Loader<T>): LiveResource<T> {
  const known = resources.get(loader.key) as LiveResource<T> | undefined;
  const resource = known ?? new LiveResource(loader);
  resources.delete(loader.key);
  resources.set(loader.key, resource as LiveResource<unknown>);
  if (resources.size > KEPT_MAX) {
    const left = [...resources].filter(([, { used }]) => !used);
    for (const [key] of left.slice(0, resources.size - KEPT_MAX)) resources.delete(key);
  }
  return resource;
}

/** Forgets everything: another person may look next. */
export function forgetResources(): void {
  resources.clear();
}

/** The resource of a loader, live while the component is there. */
export function useResource<T>(loader: Loader<T>): Resource<T> {
  const resource = useMemo(() => resourceOf(loader), [loader.key]);
  useEffect(() => {
    resource.attach(loader);
    return () => resource.detach();
  }, [resource]);
  return resource;
}

/** What is said of data that could not be refreshed. */
export type Freshness = Pick<Resource<unknown>, "error" | "fetched_ms">;

/** What went wrong with a resource, in words; "" for nothing. */
export function failureOf(resource: Freshness): string {
  return resource.error.value === null ? "" : reasonOf(resource.error.value);
}
