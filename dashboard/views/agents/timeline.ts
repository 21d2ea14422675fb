/** What an agent did, of two logs: what it wrote or was refused (audit), what it published (events). Pure. */
import type { AuditEntry, Event } from "../../api/types.js";

export type TimelineItem =
  | { readonly kind: "wrote" | "refused"; readonly at: string; readonly entry: AuditEntry }
  | { readonly kind: "published"; readonly at: string; readonly event: Event };

/** As much of a log as is held, the newest first. */
export interface Held<Row> {
  readonly rows: readonly Row[];
  /** Whether there is nothing older. */
  readonly complete: boolean;
}

/** What the server publishes of a call that the audit log tells, too. */
const SAID_BY_AUDIT = /^(?:llm\.usage\.recorded|koor\.state\.(?:updated|deleted))$/;

const ms = (time: string | undefined): number => (time === undefined ? Number.NEGATIVE_INFINITY : Date.parse(time));

/** From when on both logs are held, ms since the epoch: before it, one of them would seem to be silent. */
export function heldSince(audit: Held<AuditEntry>, events: Held<Event>): number {
  return Math.max(
    audit.complete ? Number.NEGATIVE_INFINITY : ms(audit.rows.at(-1)?.timestamp),
    events.complete ? Number.NEGATIVE_INFINITY : ms(events.rows.at(-1)?.created_at),
  );
}

/** Both logs as one, the newest first, as far back as both are held. */
export function timelineOf(audit: Held<AuditEntry>, events: Held<Event>): TimelineItem[] {
  const since = heldSince(audit, events);
  const items: TimelineItem[] = [
    ...audit.rows.map((entry): TimelineItem => {
      const kind = entry.outcome === "error" ? "refused" : "wrote";
      return { kind, at: entry.timestamp, entry };
    }),
    ...events.rows
      .filter(({ topic }) => !SAID_BY_AUDIT.test(topic))
      .map((event): TimelineItem => ({ kind: "published", at: event.created_at, event })),
  ];
  // The sort is stable: of one time, each log keeps its order.
  return items.filter(({ at }) => ms(at) >= since).sort((a, b) => ms(b.at) - ms(a.at));
}

/** Which of the logs has to be read on, so that the timeline reaches further back. */
export function logsToRead(audit: Held<AuditEntry>, events: Held<Event>): { audit: boolean; events: boolean } {
  const since = heldSince(audit, events);
  return {
    audit: !audit.complete && ms(audit.rows.at(-1)?.timestamp) === since,
    events: !events.complete && ms(events.rows.at(-1)?.created_at) === since,
  };
}
