/**
 * The caller of a request: the role that its token gives it, and the instance that acts. The pipeline gets the
 * directory of instances as the interface that is declared here, so that the front depends on no feature. Types, and
 * the anonymous caller.
 */
import type { AgentMetric } from "../../schemas/agent-metrics.js";

export interface Caller {
  /** The owner of the token: the server or an instance; neither if the request had no token and needed none. */
  readonly role: "server" | "instance" | "nobody";
  /** The id of the instance that acts, or `dashboard` for a person in the dashboard; "" if there is none. */
  readonly actor: string;
  /** The id that the call gave as its own, if no instance has it; absent for a registered id and for none. */
  readonly unknown?: string;
}

export const ANONYMOUS: Caller = Object.freeze({ role: "nobody", actor: "" });

/** The instances that may call, and their tokens. */
export interface Actors {
  readonly size: number;
  /** Marks the instance with this id as seen now; false if no instance has the id. */
  touchId(id: string): boolean;
  /**
   * The id of the instance whose token has this SHA-256 (lowercase hex), which is marked as seen now; undefined if
   * there is none.
   */
  touchToken(token_hash: string): string | undefined;
  /** Whether a recently deleted instance had the token with this SHA-256 (lowercase hex). */
  hadToken(token_hash: string): boolean;
  /** Keeps the instance with this id alive while one of its calls waits, until the returned function is called. */
  beginWait(id: string): () => void;
  /** Whether an instance has this id. Does not mark it as seen. */
  has(id: string): boolean;
  /**
   * Calls the listener when the token of the instance with this id ends, at once if it has ended already; returns a
   * function that removes the listener.
   */
  onRevoked(id: string, listener: () => void): () => void;
}

/** Counts the calls of actors. */
export interface CallCounter {
  add(instance: string, metric: AgentMetric, by: number): void;
}
