/** What does not fit: where, and why. A list, since it stands where there is little room beside one another. */
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
