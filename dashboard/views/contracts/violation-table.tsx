/** What does not fit: where, and why. */
import type { ContractViolation } from "../../api/types.js";
import { Table, type Column } from "../../parts/table.js";

const COLUMNS: readonly Column<ContractViolation>[] = [
  { head: "Path", cell: ({ path }) => <code class="violation-path">{path}</code> },
  { head: "Message", kind: "wide", cell: ({ message }) => message },
];

export function ViolationTable({
  violations,
  label,
}: {
  readonly violations: readonly ContractViolation[];
  readonly label: string;
}) {
  return (
    <Table
      label={label}
      columns={COLUMNS}
      rows={violations}
      keyOf={({ path, message }) => `${path} ${message}`}
      toneOf={() => "bad"}
    />
  );
}
