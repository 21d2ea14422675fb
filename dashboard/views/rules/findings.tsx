/**
 * Shows the violations of rules in a text. Violations of the whole text come first, then the marked lines with
 * violations.
 */
import { useMemo } from "preact/hooks";
import type { RuleViolation } from "../../api/types.js";
import { plural } from "../../base/format.js";
import { markedBlocks, type MarkedLine } from "./model.js";
import { Severity } from "./members.js";

interface FindingsProps {
  readonly content: string;
  readonly violations: readonly RuleViolation[];
  /** Whether each violation shows its rule's id. */
  readonly named: boolean;
}

export function Findings({ content, violations, named }: FindingsProps) {
  const blocks = useMemo(() => markedBlocks(content, violations), [content, violations]);
  const whole = violations.filter(({ line }) => line === undefined);
  return (
    <>
      {whole.length > 0 && (
        <ul class="found">
          {whole.map((violation) => (
            <li key={violation.rule_id}>
              <Found violation={violation} named={named} /> <span class="muted">in the whole text</span>
            </li>
          ))}
        </ul>
      )}
      {blocks.length > 0 && (
        <div class="findings table-frame" role="region" aria-label="Violations" tabIndex={0}>
          <table aria-label="Violations">
            <tbody>
              {blocks.map((block, at) =>
                "left_out" in block ? (
                  <tr key={at} class="finding-left-out">
                    <td colSpan={2}>{plural(block.left_out, "line")}</td>
                  </tr>
                ) : (
                  block.lines.map((line) => <Line key={line.number} line={line} named={named} />)
                ),
              )}
            </tbody>
          </table>
        </div>
      )}
    </>
  );
}

function Line({ line, named }: { readonly line: MarkedLine; readonly named: boolean }) {
  return (
    <tr class={line.violations.length > 0 ? "finding" : undefined}>
      <td class="finding-number">{line.number}</td>
      <td>
        <pre>
          {line.pieces.map(({ text, marked }, at) =>
            marked ? <mark key={at}>{text}</mark> : <span key={at}>{text}</span>,
          )}
        </pre>
        {line.violations.map((violation) => (
          <div key={violation.rule_id} class="finding-said">
            <Found violation={violation} named={named} />
          </div>
        ))}
      </td>
    </tr>
  );
}

function Found({ violation, named }: { readonly violation: RuleViolation; readonly named: boolean }) {
  return (
    <>
      <Severity of={violation} /> {named && <code>{violation.rule_id}</code>} {violation.message}
    </>
  );
}
