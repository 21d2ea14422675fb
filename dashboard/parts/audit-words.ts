/** Rows of the audit log in words, and the addresses of what they are about. Pure. */
import type { AuditEntry } from "../api/types.js";
import { addressOf, agentAddress, stateAddress } from "../base/address.js";
import { isAgentId } from "./agent-name.js";

/** What `detail` says: `version 3`, `rolled back 1`; of a refusal its reason. The text itself where it is no object. */
export function detailInWords(detail: string): string {
  let members: unknown;
  try {
    members = JSON.parse(detail);
  } catch {
    return detail;
  }
  if (typeof members !== "object" || members === null || Array.isArray(members)) return detail;
  if ("error" in members && typeof members.error === "string") return members.error;
  return Object.entries(members)
    .map(([name, value]) => `${name.replaceAll("_", " ")} ${wordOf(value)}`)
    .join(" · ");
}

function wordOf(value: unknown): string {
  if (typeof value === "string") return value === "" ? "none" : value;
  if (Array.isArray(value)) return value.length === 0 ? "none" : value.map(wordOf).join(", ");
  if (typeof value !== "object" || value === null) return String(value);
  return Object.entries(value)
    .map(([name, one]) => `${name.replaceAll("_", " ")} ${wordOf(one)}`)
    .join(", ");
}

type AddressOf = (resource: string) => string | undefined;

/** `P/N`: the project has no slash unless the name has one, too; nobody can tell, so the first one parts them. */
const inProject =
  (slug: string): AddressOf =>
  (resource) => {
    const at = resource.indexOf("/");
    return at <= 0 ? undefined : addressOf(slug, resource.slice(0, at), resource.slice(at + 1));
  };

/** By the first segment of the action. */
const ADDRESSES: ReadonlyMap<string, AddressOf> = new Map<string, AddressOf>([
  ["state", stateAddress],
  ["spec", inProject("specs")],
  ["instance", (resource) => (isAgentId(resource) ? agentAddress(resource) : undefined)],
  ["lease", (resource) => addressOf("leases", resource)],
  ["rule", inProject("rules")],
  ["task", (resource) => addressOf("tasks", resource)],
  ["webhook", (resource) => addressOf("webhooks", resource)],
]);

/** The address of what a row is about; undefined where that has none. */
export function resourceAddress({ action, resource }: Pick<AuditEntry, "action" | "resource">): string | undefined {
  return resource === "" ? undefined : ADDRESSES.get(action.split(".")[0] ?? "")?.(resource);
}
