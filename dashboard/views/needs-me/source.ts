/**
 * Defines a source, which finds one kind of items that need a person. A source consists of a loader, texts and actions.
 * To add one, add a file in sources/ and a line in sources.ts. An item disappears only when its cause does.
 */
import type { ComponentChildren } from "preact";
import { useMemo } from "preact/hooks";
import { minuteMs } from "../../base/clock.js";
import { useResource, type Loader, type Resource } from "../../api/resource.js";

/** An action that is offered beside an item. */
export interface Action {
  readonly text: string;
  readonly kind?: "primary" | "danger";
  /**
   * Takes the action.
   * @param said the text that the user has written, if the action asks for one; else ""
   */
  readonly run: (said: string) => Promise<unknown>;
  /** The message that is shown after the action has succeeded. */
  readonly done: string;
  /** The dialog before the action. It is set if the action cannot be undone, or needs a text. */
  readonly ask?: Ask;
  /** Whether the user may take the action. By default this needs the server's token. */
  readonly may?: boolean;
}

interface Ask {
  readonly title: string;
  readonly words?: ComponentChildren;
  /** The field for a text. If it is set, the action cannot be taken without a text. */
  readonly field?: {
    readonly label: string;
    readonly hint?: string;
    /** The initial text of the field. */
    readonly text?: string;
    /** Whether the text may have several lines. */
    readonly long?: true;
  };
}

/** One row. It stands for one thing, or for several things with the same cause. */
export interface Item {
  /** A key that is unique within the source. */
  readonly key: string;
  /** The name of the thing that needs a person. `address` is the address of its page. */
  readonly name: string;
  readonly address: string;
  /** The number of things for which the row stands, if there are several. */
  readonly count?: number;
  /** The description in one line, with the agents that are concerned. */
  readonly line: ComponentChildren;
  /** The reason why it matters, for example that an agent cannot continue. */
  readonly why: string;
  /** The time since which the item needs a person, in RFC 3339. */
  readonly since: string;
  readonly tone: "note" | "warn" | "bad";
  readonly actions: readonly Action[];
}

interface SourceRow<T> {
  /** The group's heading. */
  readonly title: string;
  /** The address of the view that lists all things of this kind. */
  readonly address: string;
  /** The text that is shown if there are no items, such as `no rule is proposed`. */
  readonly none: string;
  readonly loader: Loader<T>;
  /**
   * Returns the items, the most urgent or the oldest first. It is also called once a minute, because some items appear
   * only because time has passed.
   */
  readonly itemsOf: (data: T, nowMs: number) => readonly Item[];
}

/**
 * A source in the form that components use. Its type does not depend on the type of the source's data, so one list can
 * hold all sources.
 */
export interface Source {
  readonly title: string;
  readonly address: string;
  readonly none: string;
  /**
   * A hook, which keeps the items up to date while the component is mounted. `items` is undefined until the data are
   * loaded.
   */
  readonly useItems: () => { readonly resource: Resource<unknown>; readonly items: readonly Item[] | undefined };
}

/** Creates a source from its declaration. */
export function sourceOf<T>({ title, address, none, loader, itemsOf }: SourceRow<T>): Source {
  return {
    title,
    address,
    none,
    useItems: () => {
      const resource = useResource(loader);
      const data = resource.data.value;
      const minute = minuteMs.value;
      const items = useMemo(() => (data === undefined ? undefined : itemsOf(data, Date.now())), [data, minute]);
      return { resource, items };
    },
  };
}

/** Sorts items by age, oldest first. */
export function oldestFirst(items: readonly Item[]): Item[] {
  return items.toSorted((a, b) => Date.parse(a.since) - Date.parse(b.since));
}
