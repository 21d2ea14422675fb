/** Formats rows of the audit log for people, and returns the addresses of the resources that they name. Pure. */
import { isJsonObject } from "../../shared/json-object.js";
import { parseJson } from "../../shared/json-text.js";
import type { AuditEntry } from "../api/types.js";
import { addressOf, agentAddress, stateAddress } from "../base/address.js";
import { isAgentId } from "./agent-name.js";

/**
 * Formats the `detail` of a row, for example as `version 3` or `rolled back 1`. For a rejected call, returns the call's
 * error. Text that is not a JSON object is returned unchanged.
 */
export function formatDetail(detail: string): string {
  const members = parseJson(detail);
  if (!isJsonObject(members)) return detail;
  if (typeof members["error"] === "string") return members["error"];
  return Object.entries(members)
    .map(([name, value]) => `${name.replaceAll("_", " ")} ${formatValue(value)}`)
    .join(" · ");
}

function formatValue(value: unknown): string {
  if (typeof value === "string") return value === "" ? "none" : value;
  if (Array.isArray(value)) return value.length === 0 ? "none" : value.map(formatValue).join(", ");
  if (typeof value !== "object" || value === null) return String(value);
  return Object.entries(value)
    .map(([name, one]) => `${name.replaceAll("_", " ")} ${formatValue(one)}`)
    .join(", ");
}

type AddressOf = (resource: string) => string | undefined;

/**
 * Splits `P/N` (project and name) at its first slash. Both parts may contain slashes. If the project contains one, the
 * split is wrong.
 */
const inProject =
  (slug: string): AddressOf =>
  (resource) => {
    const at = resource.indexOf("/");
    return at <= 0 ? undefined : addressOf(slug, resource.slice(0, at), resource.slice(at + 1));
  };

/**
 * For each kind of audit action, a function that returns the address of the resource. The kind is the first segment of
 * the action, such as `state` in `state.set`.
 */
const ADDRESSES: ReadonlyMap<string, AddressOf> = new Map<string, AddressOf>([
  ["state", stateAddress],
  ["spec", inProject("specs")],
  ["instance", (resource) => (isAgentId(resource) ? agentAddress(resource) : undefined)],
  ["lease", (resource) => addressOf("leases", resource)],
  ["rule", inProject("rules")],
  ["task", (resource) => addressOf("tasks", resource)],
  ["webhook", (resource) => addressOf("webhooks", resource)],
]);

/** Returns the address of the resource that an audit row names; undefined if the resource has no page. */
export function resourceAddress({ action, resource }: Pick<AuditEntry, "action" | "resource">): string | undefined {
  return resource === "" ? undefined : ADDRESSES.get(action.split(".")[0] ?? "")?.(resource);
}
