/**
 * The kind of records for instances, in the order of their registration. An instance is stored in two tables. Its
 * record contains no token, so no client has a valid token of a restored instance. The restored row gets random bytes
 * that no token matches, and by which the server recognizes that the token is lost.
 */
import { INSTANCE_STATUSES } from "../../../../schemas/instances.js";
import { makeLostToken } from "../../instances/token.js";
import type { Kind } from "../kind.js";
import { JSON_VALUE, later, nullable, rowKind, sparse, TEXT, TIME } from "./rows.js";

const STATUSES: ReadonlySet<unknown> = new Set(INSTANCE_STATUSES);

const name = "instance";
const order = "row";
const BODY = {
  id: TEXT,
  name: TEXT,
  workspace: TEXT,
  intent: TEXT,
  stack: TEXT,
  capabilities: JSON_VALUE,
  registered_at: TIME,
  registered_by: later(nullable(TEXT)),
  checkout: sparse(JSON_VALUE),
  parent: sparse(TEXT),
  account: sparse(TEXT),
};
const LIFE = { status: TEXT, last_seen: TIME };

const joined = rowKind({
  name,
  table: "instance JOIN instance_life USING (row)",
  columns: { ...BODY, ...LIFE },
  order,
});
const bodies = rowKind({
  name,
  table: "instance",
  columns: BODY,
  left_out: ["token_hash"],
  complete: ({ id, status, capabilities, checkout }) => {
    if (id === "") return "id is required";
    if (!STATUSES.has(status)) return `status must be one of ${INSTANCE_STATUSES.join(", ")}`;
    if (checkout !== undefined && !isCheckout(checkout)) return "checkout must have the members of a checkout";
    const listed = Array.isArray(capabilities) && capabilities.every((capability) => typeof capability === "string");
    return listed ? [makeLostToken()] : "capabilities must be an array of text";
  },
  order,
});
const lives = rowKind({
  name,
  table: "instance_life",
  columns: LIFE,
  // This column is left out, because an instance that was busy at the old server is not busy here.
  left_out: ["busy_until"],
  complete: () => [0],
  order,
});

function isCheckout(value: unknown): boolean {
  if (typeof value !== "object" || value === null) return false;
  const { id, branch, root, machine } = value as Readonly<Record<string, unknown>>;
  return typeof id === "string" && [branch, root, machine].every((text) => text === null || typeof text === "string");
}

export const INSTANCE_KIND: Kind = {
  name,
  tables: ["instance", "instance_life"],
  read: (context) => joined.read(context),
  writer: (db) => {
    // Both tables number their rows from 1, and each record adds one row to each table. So the two rows of an instance
    // have the same number.
    const [body, life] = [bodies.writer(db), lives.writer(db)];
    return { add: (record) => body.add(record) ?? life.add(record), finish: () => undefined };
  },
};
