/**
 * Merges two logs into an agent's timeline: the audit log (writes and rejected calls) and its published events. Pure.
 */
import type { AuditEntry, Event } from "../../api/types.js";

export type TimelineItem =
  | { readonly kind: "wrote" | "refused"; readonly at: string; readonly entry: AuditEntry }
  | { readonly kind: "published"; readonly at: string; readonly event: Event };

/** The part of a log that is held, newest first. */
export interface Held<Row> {
  readonly rows: readonly Row[];
  /** Whether nothing is older. */
  readonly complete: boolean;
}

/** Topics that the server publishes for calls that the audit log has already. */
const IN_AUDIT_LOG = /^(?:llm\.usage\.recorded|koor\.state\.(?:updated|deleted))$/;

const ms = (time: string | undefined): number => (time === undefined ? Number.NEGATIVE_INFINITY : Date.parse(time));

/**
 * Returns the time from which on both logs are held, ms since the epoch. Before it, one of them would seem to be empty.
 */
export function heldSince(audit: Held<AuditEntry>, events: Held<Event>): number {
  return Math.max(
    audit.complete ? Number.NEGATIVE_INFINITY : ms(audit.rows.at(-1)?.timestamp),
    events.complete ? Number.NEGATIVE_INFINITY : ms(events.rows.at(-1)?.created_at),
  );
}

/** Returns both logs merged, newest first, as far back as both are held. */
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
  // The sort is stable: rows with the same time keep the order of their log.
  return items.filter(({ at }) => ms(at) >= since).sort((a, b) => ms(b.at) - ms(a.at));
}

/** Returns which logs must be read further, so that the timeline reaches further back. */
export function logsToRead(audit: Held<AuditEntry>, events: Held<Event>): { audit: boolean; events: boolean } {
  const since = heldSince(audit, events);
  return {
    audit: !audit.complete && ms(audit.rows.at(-1)?.timestamp) === since,
    events: !events.complete && ms(events.rows.at(-1)?.created_at) === since,
  };
}
