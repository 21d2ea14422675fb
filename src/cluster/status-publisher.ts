/**
 * Publishes a node's status to the front. A change of a field to which the front reacts (ACTED_ON) is published at
 * once. A change of counters alone does not wake the front. It is published together with the next change of such a
 * field, or at the next tick. Runs in the writer thread.
 */
import type { ReplicaStatus } from "./node-status.js";

type Fields = readonly (keyof ReplicaStatus)[];

const ACTED_ON: Fields = [
  "state",
  "reason",
  "leader",
  "term",
  "isLeader",
  "position",
  "log_last",
  "reopens",
  "fenced",
  "foreign",
];
const ALL: Fields = [...ACTED_ON, "appends", "append_s", "applied", "apply_s"];

export class StatusPublisher {
  readonly #publish: (status: ReplicaStatus) => void;
  #published: ReplicaStatus | null = null;

  constructor(publish: (status: ReplicaStatus) => void) {
    this.#publish = publish;
  }

  /** Publishes the status if one of the fields in ACTED_ON has changed. */
  offer(status: ReplicaStatus): void {
    this.#offer(status, ACTED_ON);
  }

  /** Publishes the status if any field has changed, including a counter. */
  offerAll(status: ReplicaStatus): void {
    this.#offer(status, ALL);
  }

  #offer(status: ReplicaStatus, fields: Fields): void {
    const published = this.#published;
    if (published !== null && fields.every((field) => status[field] === published[field])) return;
    this.#published = status;
    this.#publish(status);
  }
}
