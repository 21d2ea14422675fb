/**
 * The interface of a source of items that need a person: its loader, its texts and its actions. A source is a file in
 * sources/ and a line in sources.ts. An item disappears only when its cause does.
 */
import type { ComponentChildren } from "preact";
import { useMemo } from "preact/hooks";
import { minute_ms } from "../../base/clock.js";
import { useResource, type Loader, type Resource } from "../../api/resource.js";

/** An action beside an item. Every action needs the server's token. */
export interface Action {
  readonly text: string;
  readonly kind?: "primary" | "danger";
  readonly run: () => Promise<unknown>;
  /** The message after it succeeded. */
  readonly done: string;
  /** The confirmation before an action that cannot be undone. */
  readonly ask?: { readonly title: string; readonly words: string };
}

export interface Item {
  /** Unique within its source. */
  readonly key: string;
  /** The name of the thing, and its address. */
  readonly name: string;
  readonly address: string;
  /** A description of one line. */
  readonly line: ComponentChildren;
  /** Since when the item needs a person, RFC 3339. */
  readonly since: string;
  readonly tone: "note" | "warn" | "bad";
  readonly actions: readonly Action[];
}

interface SourceRow<T> {
  /** The group's heading. */
  readonly title: string;
  /** The address of the view with all things of this kind. */
  readonly address: string;
  /** The text if there are no items: `no rule is proposed`. */
  readonly none: string;
  readonly loader: Loader<T>;
  /**
   * Returns the items, most urgent or oldest first. It is called every minute, because time alone creates some items.
   */
  readonly itemsOf: (data: T, now_ms: number) => readonly Item[];
}

/** A source as components use it; the type of its data is hidden. */
export interface Source {
  readonly title: string;
  readonly address: string;
  readonly none: string;
  /** Live while the component is mounted; `items` is undefined until the data are loaded. */
  readonly useItems: () => { readonly resource: Resource<unknown>; readonly items: readonly Item[] | undefined };
}

/** Turns a source's row into a source. */
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

/** Sorts items by age, oldest first. */
export function oldestFirst(items: readonly Item[]): Item[] {
  return items.toSorted((a, b) => Date.parse(a.since) - Date.parse(b.since));
}
