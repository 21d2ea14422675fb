/**
 * The caller of a request: the role that its token grants, and the acting instance. Also declares the interface of the
 * directory of instances, so that the front does not depend on a feature. The pipeline receives an implementation.
 * Types, and the anonymous caller.
 */
import type { AgentMetric } from "../../schemas/agent-metrics.js";

export interface Caller {
  /**
   * The owner of the token: the server or an instance. `nobody` means that the request had no token and needed none.
   */
  readonly role: "server" | "instance" | "nobody";
  /** The id of the acting instance. It is `dashboard` for a person who uses the dashboard, and "" if there is none. */
  readonly actor: string;
  /**
   * The instance id that the call claimed, if no instance has this id. Absent if the id is registered or none was
   * claimed.
   */
  readonly unknown?: string;
}

export const ANONYMOUS: Caller = Object.freeze({ role: "nobody", actor: "" });

/** The registered instances, which may make calls, and their tokens. */
export interface Actors {
  readonly size: number;
  /** Records that the instance with this id was seen now. Returns false if no instance has the id. */
  touchId(id: string): boolean;
  /**
   * Finds the instance whose token has this SHA-256 (lowercase hex), and returns its id. Also records that the instance
   * was seen now. Returns undefined if there is none.
   */
  touchToken(token_hash: string): string | undefined;
  /** Whether the token with this SHA-256 (lowercase hex) belonged to an instance that was deleted recently. */
  hadToken(token_hash: string): boolean;
  /** Counts the instance with this id as alive while one of its calls waits, until the returned function is called. */
  beginWait(id: string): () => void;
  /** Whether an instance has this id. Does not record that the instance was seen. */
  has(id: string): boolean;
  /**
   * Calls the listener when the token of the instance with this id is revoked, or at once if it is revoked already.
   * Returns a function that removes the listener.
   */
  onRevoked(id: string, listener: () => void): () => void;
}

/** Counts the calls of actors. */
export interface CallCounter {
  add(instance: string, metric: AgentMetric, by: number): void;
}
