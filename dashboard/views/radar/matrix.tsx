/**
 * Shows a matrix of checkouts. A cell has the number of files that both checkouts change. A click on it opens the list
 * of these files.
 */
import type { BadgeTone } from "../../parts/badge.js";
import { Agent } from "../../parts/agent.js";
import {
  describePair,
  type Matrix as MatrixData,
  type MatrixSide,
  type OverlapKind,
  type Pair,
  pairBetween,
} from "./model.js";

export const TONES: Readonly<Record<OverlapKind, BadgeTone>> = { file: "note", lines: "warn", delete: "bad" };

interface MatrixProps {
  readonly matrix: MatrixData;
  readonly current: Pair | undefined;
  readonly onChoose: (pair: Pair) => void;
}

export function Matrix({ matrix, current, onChoose }: MatrixProps) {
  const { sides } = matrix;
  return (
    <div class="table-frame" role="region" aria-label="Checkouts" tabIndex={0}>
      <table aria-label="Checkouts" class="radar-matrix">
        <thead>
          <tr>
            <th scope="col">Checkout</th>
            {sides.map(({ id, label }, at) => (
              <th key={id} scope="col" title={label} aria-label={`${at + 1}: ${label}`}>
                {at + 1}
              </th>
            ))}
          </tr>
        </thead>
        <tbody>
          {sides.map((side, at) => (
            <tr key={side.id}>
              <th scope="row">
                <RowHead side={side} number={at + 1} />
              </th>
              {sides.map((other) => (
                <td key={other.id}>
                  <Cell side={side} other={other} matrix={matrix} current={current} onChoose={onChoose} />
                </td>
              ))}
            </tr>
          ))}
        </tbody>
      </table>
    </div>
  );
}

function RowHead({ side: { label, agents }, number }: { readonly side: MatrixSide; readonly number: number }) {
  return (
    <span class="radar-side">
      <span class="muted">{number}</span>
      <span>
        <span class="mono">{label}</span>
        {agents.length > 0 && (
          <span class="radar-agents">
            {agents.map(({ id, name }, at) => (
              <>
                {at > 0 && ", "}
                <Agent id={id} name={name} />
              </>
            ))}
          </span>
        )}
      </span>
    </span>
  );
}

interface CellProps extends MatrixProps {
  readonly side: MatrixSide;
  readonly other: MatrixSide;
}

function Cell({ side, other, matrix, current, onChoose }: CellProps) {
  if (side === other) return <span class="radar-self" aria-label="the same checkout" role="img" />;
  const pair = pairBetween(matrix, side.id, other.id);
  if (pair === undefined) return null;
  return (
    <button
      type="button"
      class={`button-bare badge badge-${TONES[pair.worst]} radar-cell`}
      aria-pressed={pair === current}
      aria-label={`${pair.overlaps.length}: ${side.label} and ${other.label}: ${describePair(pair)}`}
      title={describePair(pair)}
      onClick={() => onChoose(pair)}
    >
      {pair.overlaps.length}
    </button>
  );
}
