/**
 * Shows the tree of names. Only the visible lines are rendered. The arrow keys move the cursor, and Enter opens a name.
 */
import { useSignal } from "@preact/signals";
import { useLocation } from "preact-iso/router";
import { useEffect, useMemo, useRef } from "preact/hooks";
import { ago, count, plural } from "../base/format.js";
import { nowMs } from "../base/clock.js";
import { Icon } from "../parts/icon.js";
import { useVirtualRows } from "../parts/virtual.js";
import type { Entry, Named, Space } from "./space.js";
import { foldersOf, growTree, linesOf, searchLines, type Line } from "./tree-lines.js";

interface TreeProps {
  readonly space: Space;
  readonly entries: readonly Entry[];
  readonly wanted: string;
  readonly current: Named | null;
}

/** If there are at most this many entries, all folders are open at first. */
const ALL_OPEN_ENTRIES = 12;

export function Tree({ space, entries, wanted, current }: TreeProps) {
  const { route } = useLocation();
  const frame = useRef<HTMLDivElement>(null);
  const tree = useMemo(() => growTree(entries), [entries]);
  const open = useSignal<ReadonlySet<string>>(
    new Set([
      ...(current === null ? [] : foldersOf(current.path)),
      ...(entries.length <= ALL_OPEN_ENTRIES ? entries.flatMap(({ path }) => foldersOf(path)) : []),
    ]),
  );
  useEffect(() => {
    if (current !== null) open.value = new Set([...open.value, ...foldersOf(current.path)]);
  }, [current?.name]);
  const lines = useMemo(
    () => (wanted.trim() === "" ? linesOf(tree, open.value) : searchLines(entries, wanted)),
    [tree, entries, wanted, open.value],
  );
  /** The index of the line on which the keyboard cursor is. */
  const at = useSignal(0);
  const { indexes, above, below, scrollTo } = useVirtualRows(lines.length, frame);
  useEffect(() => {
    at.value = Math.max(0, current === null ? 0 : lines.findIndex(({ entry }) => entry?.name === current.name));
  }, [current?.name, lines.length === 0]);

  const toggle = ({ key }: Line): void => {
    const next = new Set(open.value);
    if (!next.delete(key)) next.add(key);
    open.value = next;
  };
  const choose = (line: Line | undefined): void => {
    if (line === undefined) return;
    if (line.entry === null) toggle(line);
    else route(space.named(line.entry.path)?.address ?? `/${space.slug}`);
  };
  const goTo = (index: number): void => {
    at.value = Math.max(0, Math.min(lines.length - 1, index));
    scrollTo(at.value);
  };
  const onKey = (event: KeyboardEvent): void => {
    const line = lines[at.value];
    const moves: Readonly<Record<string, () => void>> = {
      ArrowDown: () => goTo(at.value + 1),
      ArrowUp: () => goTo(at.value - 1),
      Home: () => goTo(0),
      End: () => goTo(lines.length - 1),
      ArrowRight: () => {
        if (line?.entry === null && !line.open) toggle(line);
      },
      ArrowLeft: () => {
        if (line?.entry === null && line.open) toggle(line);
      },
      Enter: () => choose(line),
    };
    const move = moves[event.key];
    if (move === undefined) return;
    event.preventDefault();
    move();
  };

  if (lines.length === 0) return <p class="hint">No {space.one} matches.</p>;
  return (
    <div
      ref={frame}
      class="tree"
      role="tree"
      aria-label={`${space.title}: ${plural(entries.length, space.one)}`}
      aria-activedescendant={`${space.slug}-line-${at.value}`}
      tabIndex={0}
      onKeyDown={onKey}
    >
      <div role="presentation" style={{ height: `${above}px` }} />
      {indexes.map((index) => {
        const line = lines[index];
        if (line === undefined) return null;
        const isCurrent = line.entry !== null && line.entry.name === current?.name;
        return (
          <div
            key={`${line.entry === null} ${line.key}`}
            id={`${space.slug}-line-${index}`}
            class={`tree-row${index === at.value ? " tree-at" : ""}`}
            role="treeitem"
            aria-level={line.depth + 1}
            aria-expanded={line.entry === null ? line.open : undefined}
            aria-selected={isCurrent}
            style={{ paddingLeft: `${0.5 + line.depth * 0.9}rem` }}
            onClick={() => {
              at.value = index;
              choose(line);
            }}
          >
            <span class={line.open ? "tree-toggle tree-open" : "tree-toggle"}>
              {line.entry === null ? <Icon name="chevron" /> : <span class="tree-leaf" />}
            </span>
            <span class="tree-name" title={line.entry?.name ?? line.text}>
              {line.text}
            </span>
            <span class="tree-about">
              {line.entry === null ? count(line.count) : ago(Date.parse(line.entry.updated_at), nowMs.value)}
            </span>
          </div>
        );
      })}
      <div role="presentation" style={{ height: `${below}px` }} />
    </div>
  );
}
