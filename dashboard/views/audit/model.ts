/**
 * Defines the filter of the audit view. The server applies one part of the filter, and the page applies the rest. Pure.
 */
import type { AuditEntry } from "../../api/types.js";
import { timeIn } from "../../base/local-time.js";
import { agentName, UNKNOWN_ACTOR, type AgentNames } from "../../parts/agent-name.js";

/** The filter, as it is stored in the address's query. "" matches all rows. */
export interface AuditFilter {
  readonly action: string;
  /** The id of an actor. The value `unknown` selects the calls without a known actor; no actor has this id. */
  readonly actor: string;
  /** The start of the range in RFC 3339, inclusive. `to` is its end. */
  readonly from: string;
  readonly to: string;
  readonly outcome: string;
  readonly search: string;
}

export const OUTCOMES = ["success", "error"] as const;

export function filterIn(query: Readonly<Record<string, string>>): AuditFilter {
  const { action = "", actor = "", outcome = "", search = "" } = query;
  return {
    action,
    actor,
    from: timeIn(query["from"]),
    to: timeIn(query["to"]),
    outcome: OUTCOMES.find((one) => one === outcome) ?? "",
    search,
  };
}

/** Returns a filter that has only the time range of this one. */
export function ofRange({ from, to }: AuditFilter): AuditFilter {
  return { action: "", actor: "", outcome: "", search: "", from, to };
}

/** Returns the query for the server. An empty `actor` in it selects the calls whose actor is unknown. */
export function askedOf({ action, actor, from, to }: AuditFilter): string {
  const asked = new URLSearchParams();
  if (action !== "") asked.set("action", action);
  if (actor !== "") asked.set("actor", actor === UNKNOWN_ACTOR ? "" : actor);
  if (from !== "") asked.set("from", from);
  if (to !== "") asked.set("to", to);
  return asked.toString();
}

/** Applies the part of the filter that the server does not support: the outcome and the search words. */
export function matching(
  rows: readonly AuditEntry[],
  { outcome, search }: Pick<AuditFilter, "outcome" | "search">,
  names: AgentNames,
): readonly AuditEntry[] {
  const words = search.toLowerCase().split(/\s+/).filter(Boolean);
  if (outcome === "" && words.length === 0) return rows;
  return rows.filter((row) => {
    if (outcome !== "" && row.outcome !== outcome) return false;
    const text = `${agentName(row.actor, names)}\n${row.actor}\n${row.action}\n${row.resource}\n${row.detail}`;
    const lower = text.toLowerCase();
    return words.every((word) => lower.includes(word));
  });
}

/** Returns whether two rows differ only in their time. */
export function isRepeat(a: AuditEntry, b: AuditEntry): boolean {
  return (
    a.action === b.action &&
    a.resource === b.resource &&
    a.actor === b.actor &&
    a.outcome === b.outcome &&
    a.detail === b.detail &&
    a.count === b.count
  );
}

/** Returns the actions with their counts, the most frequent action first. */
export function actionBars(counts: Readonly<Record<string, number>>): (readonly [action: string, count: number])[] {
  return Object.entries(counts).sort(([a, many], [b, more]) => more - many || a.localeCompare(b));
}
