/** Shows two versions of a text side by side. */
import { useEffect, useMemo } from "preact/hooks";
import { plural } from "../base/format.js";
import { Breakable } from "./breakable.js";
import { lazy } from "./lazy.js";
import type { DiffRow, Side } from "./line-diff.js";

const LINES = lazy(() => import("./line-diff.js"));

interface DiffProps {
  readonly before: string;
  readonly after: string;
  readonly label: string;
}

export function Diff({ before, after, label }: DiffProps) {
  useEffect(LINES.load, []);
  const lines = LINES.module.value;
  const rows = useMemo(() => lines?.diffRows(before, after), [before, after, lines]);
  if (lines === undefined || rows === undefined) return null;
  if (rows === null) return <p class="hint">The texts differ too much to be compared line by line.</p>;
  const changed = rows.filter(({ kind }) => kind !== "same").length;
  if (changed === 0) return <p class="hint">The texts are equal.</p>;
  return (
    <div class="diff table-frame" role="region" aria-label={label} tabIndex={0}>
      <table aria-label={`${label}: ${plural(changed, "line")} differ`}>
        {/* Sets the widths. Otherwise the first row would, and it may be one cell over all columns. */}
        <colgroup>
          <col class="diff-number" />
          <col />
          <col class="diff-number" />
          <col />
        </colgroup>
        <tbody>
          {lines.folded(rows).map((block, at) =>
            "left_out" in block ? (
              <tr key={at} class="diff-left-out">
                <td colSpan={4}>{plural(block.left_out, "equal line")}</td>
              </tr>
            ) : (
              block.rows.map((row, line) => <RowOf key={`${at} ${line}`} row={row} />)
            ),
          )}
        </tbody>
      </table>
    </div>
  );
}

function RowOf({ row: { kind, before, after } }: { readonly row: DiffRow }) {
  return (
    <tr class={`diff-${kind}`}>
      <td class="diff-number">{before?.number}</td>
      <td class="diff-before">
        <Line side={before} as="del" differs={kind !== "same"} />
      </td>
      <td class="diff-number">{after?.number}</td>
      <td class="diff-after">
        <Line side={after} as="ins" differs={kind !== "same"} />
      </td>
    </tr>
  );
}

function Line({
  side,
  as: Mark,
  differs,
}: {
  readonly side: Side | null;
  readonly as: "ins" | "del";
  readonly differs: boolean;
}) {
  if (side === null) return null;
  const pieces = side.pieces.map(({ text, changed }, at) =>
    changed ? (
      <Mark key={at}>
        <Breakable text={text} />
      </Mark>
    ) : (
      <span key={at}>
        <Breakable text={text} />
      </span>
    ),
  );
  const some = side.pieces.some(({ changed }) => changed);
  return <pre>{differs && !some ? <Mark>{pieces}</Mark> : pieces}</pre>;
}
