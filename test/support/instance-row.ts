/** Makes stored instances, for tests of the code that stores or finds instances. */
import type { InstanceRow } from "../../src/features/instances/entry.js";

/** Returns an active instance with the id `id-ROW`. All other properties are empty. */
export function instanceRow(row: number, more: Partial<InstanceRow> = {}): InstanceRow {
  return {
    row,
    id: `id-${row}`,
    token_hash: `hash-${row}`,
    name: "n",
    workspace: "",
    intent: "",
    stack: "",
    capabilities: [],
    checkout: null,
    account: null,
    parent: null,
    session: null,
    status: "active",
    registered_at: 0,
    last_seen: 0,
    busy_until: 0,
    registered_by: "",
    ...more,
  };
}
