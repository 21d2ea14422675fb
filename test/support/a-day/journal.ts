/**
 * The journal of the simulated day, in the order of time: rows of the audit log, and events. A module that makes
 * content also records here what a server would have recorded, so that the log agrees with the stored data. Pure.
 */
import type { SnapshotLine } from "../snapshot.js";

export interface Act {
  readonly at_ms: number;
  /** The id of the instance; "" for a call without an instance. */
  readonly actor: string;
  readonly action: string;
  readonly resource: string;
  readonly detail: object;
  readonly outcome: "success" | "error";
}

export interface JournalEntry {
  readonly at_ms: number;
  readonly topic: string;
  readonly source: string;
  readonly data: unknown;
}

/** Formats a time as the server does. */
export function timeOf(atMs: number): string {
  return new Date(atMs).toISOString();
}

function byTime(a: { readonly at_ms: number }, b: { readonly at_ms: number }): number {
  return a.at_ms - b.at_ms;
}

export class Journal {
  readonly #acts: Act[] = [];
  readonly #events: JournalEntry[] = [];

  /** Records a call that succeeded. */
  act(atMs: number, actor: string, action: string, resource: string, detail: object = {}): void {
    this.#acts.push({ at_ms: atMs, actor, action, resource, detail, outcome: "success" });
  }

  /** Records a call that was refused. */
  refuse(atMs: number, actor: string, action: string, resource: string, code: number, error: string): void {
    this.#acts.push({ at_ms: atMs, actor, action, resource, detail: { error, code }, outcome: "error" });
  }

  add(atMs: number, topic: string, source: string, data: unknown): void {
    this.#events.push({ at_ms: atMs, topic, source, data });
  }

  /** The calls, oldest first. */
  get acts(): readonly Act[] {
    return this.#acts.toSorted(byTime);
  }

  /** The events, oldest first. */
  get events(): readonly JournalEntry[] {
    return this.#events.toSorted(byTime);
  }

  auditRecords(): SnapshotLine[] {
    return this.acts.map(({ at_ms, actor, action, resource, detail, outcome }, at) => ({
      kind: "audit",
      id: at + 1,
      timestamp: timeOf(at_ms),
      actor,
      action,
      resource,
      detail: JSON.stringify(detail),
      outcome,
    }));
  }

  /** Returns the newest `keep` events. A server has pruned the older ones, and the ids continue after theirs. */
  eventRecords(keep: number): SnapshotLine[] {
    return this.events
      .map(({ at_ms, topic, source, data }, at) => ({
        kind: "event",
        id: at + 1,
        topic,
        created_at: timeOf(at_ms),
        source,
        data,
      }))
      .slice(-keep);
  }
}
