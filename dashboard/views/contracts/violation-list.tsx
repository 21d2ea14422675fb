/** The violations of a payload, with path and message. It is a list, because its panels are too narrow for a table. */
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
