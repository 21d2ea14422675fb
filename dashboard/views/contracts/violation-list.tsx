/**
 * Lists the violations in a payload, each with its path and message. It is not a table, because the panels that use it
 * are too narrow.
 */
import type { ContractViolation } from "../../api/types.js";

interface ViolationListProps {
  readonly violations: readonly ContractViolation[];
  readonly label: string;
}

export function ViolationList({ violations, label }: ViolationListProps) {
  return (
    <ul class="violations" aria-label={label}>
      {violations.map(({ path, message }) => (
        <li key={`${path} ${message}`}>
          <code>{path}</code>
          <div>{message}</div>
        </li>
      ))}
    </ul>
  );
}
