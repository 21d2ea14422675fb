/**
 * What a source of things that wait for a person is: what to fetch, how it reads, and what can be done at once. A
 * source is a file in sources/ and a line in sources.ts; what waits goes when its cause goes, and in no other way.
 */
import type { ComponentChildren } from "preact";
import { useMemo } from "preact/hooks";
import { minute_ms } from "../../base/clock.js";
import { useResource, type Loader, type Resource } from "../../api/resource.js";

/** What can be done about an item, beside it. Each needs the server's token. */
export interface Action {
  readonly text: string;
  readonly kind?: "primary" | "danger";
  readonly run: () => Promise<unknown>;
  /** What is said when it was done. */
  readonly done: string;
  /** What is asked before, where it cannot be taken back. */
  readonly ask?: { readonly title: string; readonly words: string };
}

export interface Item {
  /** Its own among those of its source. */
  readonly key: string;
  /** What it is about, and where that is. */
  readonly name: string;
  readonly address: string;
  /** What it is, in one line. */
  readonly line: ComponentChildren;
  /** Since when it waits, RFC 3339. */
  readonly since: string;
  readonly tone: "note" | "warn" | "bad";
  readonly actions: readonly Action[];
}

interface SourceRow<T> {
  /** Of the group, as a heading. */
  readonly title: string;
  /** Where all of its kind are. */
  readonly address: string;
  /** Its items as they are when nothing waits: `no rule is proposed`. */
  readonly none: string;
  readonly loader: Loader<T>;
  /** What waits, the gravest or oldest first. Looked at again each minute: some of it is there by mere waiting. */
  readonly itemsOf: (data: T, now_ms: number) => readonly Item[];
}

/** A source that components use; what its data is like is its own business. */
export interface Source {
  readonly title: string;
  readonly address: string;
  readonly none: string;
  /** Live while the component is there; no items until they were fetched. */
  readonly useItems: () => { readonly resource: Resource<unknown>; readonly items: readonly Item[] | undefined };
}

/** Makes a source of its row. */
export function sourceOf<T>({ title, address, none, loader, itemsOf }: SourceRow<T>): Source {
  return {
    title,
    address,
    none,
    useItems: () => {
      const resource = useResource(loader);
      const data = resource.data.value;
      const minute = minute_ms.value;
      const items = useMemo(() => (data === undefined ? undefined : itemsOf(data, Date.now())), [data, minute]);
      return { resource, items };
    },
  };
}

/** The longest waiting first. */
export function oldestFirst(items: readonly Item[]): Item[] {
  return items.toSorted((a, b) => Date.parse(a.since) - Date.parse(b.since));
}
