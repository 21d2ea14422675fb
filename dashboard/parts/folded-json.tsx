/**
 * Shows indented JSON with syntax colours and line numbers. Each object and array can be folded. Of a long text, only
 * the visible lines are rendered and coloured. The arrow keys move between the objects, and fold and unfold them.
 */
import { useMemo, useRef, useState } from "preact/hooks";
import { count } from "../base/format.js";
import { Breakable } from "./breakable.js";
import { Button, CopyButton } from "./button.js";
import { firstClosed, type FoldLine, foldLines, visibleLines } from "./fold-lines.js";
import { shownPart } from "./shown-text.js";
import { tokensOf } from "./tokens.js";
import { useVirtualRows } from "./virtual.js";

/** A text with more lines is folded at first, and only its visible lines are rendered. */
const LONG_LINES = 500;

interface FoldedJsonProps {
  /** The whole text, for the copy button. */
  readonly text: string;
  /** The text as it is shown. */
  readonly indented: string;
  /** The accessible name. */
  readonly label: string;
}

export function FoldedJson({ text, indented, label }: FoldedJsonProps) {
  const lines = useMemo(() => foldLines(indented), [indented]);
  // They stay folded when a newer version of the value is shown.
  const [closed, setClosed] = useState<ReadonlySet<number>>(() => firstClosed(lines, LONG_LINES));
  const frame = useRef<HTMLDivElement>(null);
  const visible = useMemo(() => visibleLines(lines, closed), [lines, closed]);
  const { indexes, above, below } = useVirtualRows(visible.length, frame);
  const isShort = visible.length <= LONG_LINES;
  const rows = isShort ? visible : indexes.flatMap((row) => visible[row] ?? []);
  const inner = useMemo(() => lines.flatMap(({ end, depth }, at) => (end !== null && depth > 0 ? [at] : [])), [lines]);
  const toggle = (at: number): void =>
    setClosed((before) => (before.has(at) ? without(before, at) : new Set([...before, at])));
  /** The line whose button has the focus, or had it last. Only this button is in the order of the Tab key. */
  const [current, setCurrent] = useState(0);
  const tabbable = rows.includes(current) ? current : rows.find((at) => lines[at]?.end !== null);
  const onKey = (event: KeyboardEvent): void => {
    const button = event.target instanceof Element ? event.target.closest<HTMLElement>(".fold-toggle") : null;
    if (button === null) return;
    const at = Number(button.dataset["line"]);
    const buttons = [...(frame.current?.querySelectorAll<HTMLElement>(".fold-toggle") ?? [])];
    if (event.key === "ArrowDown") buttons[buttons.indexOf(button) + 1]?.focus();
    else if (event.key === "ArrowUp") buttons[buttons.indexOf(button) - 1]?.focus();
    else if (event.key === (closed.has(at) ? "ArrowRight" : "ArrowLeft")) toggle(at);
    else return;
    event.preventDefault();
  };
  return (
    <>
      <div class="code-actions buttons">
        {inner.length > 0 && (
          <Button onClick={() => setClosed(closed.size > 0 ? new Set() : new Set(inner))}>
            {closed.size > 0 ? "Unfold all" : "Fold"}
          </Button>
        )}
        <CopyButton text={text} what={label} />
      </div>
      <div
        ref={frame}
        class="code-frame fold-frame"
        style={{ "--digits": String(lines.length).length }}
        role="region"
        aria-label={label}
        tabIndex={0}
        onKeyDown={onKey}
      >
        <code>
          <div style={{ height: `${isShort ? 0 : above}px` }} />
          {rows.map((at) => {
            const line = lines[at];
            return (
              line !== undefined && (
                <LineOf
                  key={at}
                  at={at}
                  line={line}
                  last={lines[line.end ?? -1]?.text.trimStart()}
                  isClosed={closed.has(at)}
                  isTabbable={at === tabbable}
                  onToggle={toggle}
                  onFocus={setCurrent}
                />
              )
            );
          })}
          <div style={{ height: `${isShort ? 0 : below}px` }} />
        </code>
      </div>
    </>
  );
}

function without(all: ReadonlySet<number>, one: number): ReadonlySet<number> {
  return new Set([...all].filter((at) => at !== one));
}

interface LineOfProps {
  readonly at: number;
  readonly line: FoldLine;
  /** The line that closes the object or array that this line opens. */
  readonly last: string | undefined;
  readonly isClosed: boolean;
  readonly isTabbable: boolean;
  readonly onToggle: (at: number) => void;
  readonly onFocus: (at: number) => void;
}

/** Shows one line. Its number and the arrow of its button are drawn by the style sheet, so that a copy lacks them. */
function LineOf({
  at,
  line: { text, end, count: members },
  last,
  isClosed,
  isTabbable,
  onToggle,
  onFocus,
}: LineOfProps) {
  const tokens = useMemo(() => {
    const shown = shownPart(text);
    const whole = shown.length < text.length ? `${shown}…` : text;
    return tokensOf(isClosed ? `${whole} … ${last ?? ""}` : whole, "json");
  }, [text, last, isClosed]);
  return (
    <div class="fold-line">
      <span class="fold-number" data-number={at + 1}>
        {end !== null && (
          <button
            type="button"
            class="button-bare fold-toggle"
            data-line={at}
            tabIndex={isTabbable ? 0 : -1}
            aria-expanded={!isClosed}
            aria-label={`${text.trim().slice(0, 80)} ${count(members)} inside`}
            onClick={() => onToggle(at)}
            onFocus={() => onFocus(at)}
          />
        )}
      </span>
      {tokens.map(({ text: part, colour }, order) => {
        const breakable = <Breakable key={order} text={part} />;
        return colour === undefined ? breakable : <span class={`code-${colour}`}>{breakable}</span>;
      })}
      {isClosed && <span class="fold-count" data-count={count(members)} />}
      {"\n"}
    </div>
  );
}
