/**
 * Who calls: what the token said, and which instance acts. The directory of instances is given to the
 * pipeline as what is asked of it here, so that the front knows no feature. Types, and the caller that is nobody.
 */
import type { AgentMetric } from "../../schemas/agent-metrics.js";

export interface Caller {
  /** Whose token it was: the server's, an instance's own, or none because none was needed. */
  readonly role: "server" | "instance" | "nobody";
  /** Id of the instance that acts, or `dashboard` for a person there; "" where there is none. */
  readonly actor: string;
  /** The id that the call gave as its own and no instance has; absent where it gave none, or one that is registered. */
  readonly unknown?: string;
}

export const ANONYMOUS: Caller = Object.freeze({ role: "nobody", actor: "" });

/** Who may act as an instance. */
export interface Actors {
  readonly size: number;
  /** Notes a sign of life of the instance with this id; false where nobody has it. */
  touchId(id: string): boolean;
  /**
   * The id of the instance whose token has this SHA-256 (lowercase hex), undefined where none has; a sign of life of
   * it.
   */
  touchToken(token_hash: string): string | undefined;
  /** Whether an instance that was deleted lately had the token with this SHA-256 (lowercase hex). */
  hadToken(token_hash: string): boolean;
  /** A call of the instance with this id waits: it is alive until the function that is returned is called. */
  beginWait(id: string): () => void;
  /** Whether an instance has this id. Not a sign of life. */
  has(id: string): boolean;
  /**
   * Has the listener called when the token of the instance with this id ends, at once where it has; returns what
   * forgets the listener.
   */
  onRevoked(id: string, listener: () => void): () => void;
}

/** Where the calls of actors are counted. */
export interface CallCounter {
  add(instance: string, metric: AgentMetric, by: number): void;
}
