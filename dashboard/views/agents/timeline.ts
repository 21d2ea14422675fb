/**
 * Builds the timeline of an agent from two logs. The audit log has the agent's writes and rejected calls; the event log
 * has the events that it published. Pure.
 */
import type { AuditEntry, Event } from "../../api/types.js";

export type TimelineItem =
  | { readonly kind: "wrote" | "refused"; readonly at: string; readonly entry: AuditEntry }
  | { readonly kind: "published"; readonly at: string; readonly event: Event };

/** The part of a log that the page holds, newest first. */
export interface Held<Row> {
  readonly rows: readonly Row[];
  /** Whether the log has no older rows. */
  readonly complete: boolean;
}

/**
 * The topics of events that the server publishes about a call. They are left out, because the audit log has a row for
 * the same call.
 */
const IN_AUDIT_LOG = /^(?:llm\.usage\.recorded|koor\.state\.(?:updated|deleted))$/;

const ms = (time: string | undefined): number => (time === undefined ? Number.NEGATIVE_INFINITY : Date.parse(time));

/** Returns the time since which the page holds both logs completely, in ms since the epoch. */
export function heldSince(audit: Held<AuditEntry>, events: Held<Event>): number {
  return Math.max(
    audit.complete ? Number.NEGATIVE_INFINITY : ms(audit.rows.at(-1)?.timestamp),
    events.complete ? Number.NEGATIVE_INFINITY : ms(events.rows.at(-1)?.created_at),
  );
}

/** Merges both logs, newest first. Rows before `heldSince` are left out. */
export function timelineOf(audit: Held<AuditEntry>, events: Held<Event>): TimelineItem[] {
  const since = heldSince(audit, events);
  const items: TimelineItem[] = [
    ...audit.rows.map((entry): TimelineItem => {
      const kind = entry.outcome === "error" ? "refused" : "wrote";
      return { kind, at: entry.timestamp, entry };
    }),
    ...events.rows
      .filter(({ topic }) => !IN_AUDIT_LOG.test(topic))
      .map((event): TimelineItem => ({ kind: "published", at: event.created_at, event })),
  ];
  // The sort is stable. So rows with the same time keep the order of their log.
  return items.filter(({ at }) => ms(at) >= since).sort((a, b) => ms(b.at) - ms(a.at));
}

/** Returns, for each log, whether the page must read more rows to show an earlier part of the timeline. */
export function logsToRead(audit: Held<AuditEntry>, events: Held<Event>): { audit: boolean; events: boolean } {
  const since = heldSince(audit, events);
  return {
    audit: !audit.complete && ms(audit.rows.at(-1)?.timestamp) === since,
    events: !events.complete && ms(events.rows.at(-1)?.created_at) === since,
  };
}
