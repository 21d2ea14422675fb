/**
 * The caller of a request: the role that its token grants, and the acting instance. This file also declares the
 * interface of the list of instances, so that the front does not depend on the feature that implements it. Contains
 * only types and the anonymous caller.
 */
import type { AgentMetric } from "../../../schemas/agent-metrics.js";

export interface Caller {
  /**
   * The kind of token that the request has: the server's, an instance's or CI's. `nobody` means that no token was given
   * or needed.
   */
  readonly role: "server" | "instance" | "ci" | "nobody";
  /**
   * The id of the acting instance. It is `dashboard` for a person at the dashboard, `ci` for CI, and "" if there is
   * none.
   */
  readonly actor: string;
  /** The instance id that the request claims, if no such instance exists; else absent. */
  readonly unknown?: string;
  /** The session id that the request claims, if no such session exists; else absent. */
  readonly unknownSession?: string;
  /**
   * The id of the instance that owns the request's token. Set only if the request acts for a session. The acting
   * instance is then the session's instance, which may be different.
   */
  readonly tokenOwner?: string;
}

/** The instance for which an agent's session acts. */
export interface SessionActor {
  readonly id: string;
  /**
   * The id of the instance whose token began the session; "" if the session began with the server's token or without a
   * token.
   */
  readonly owner: string;
}

export const ANONYMOUS: Caller = Object.freeze({ role: "nobody", actor: "" });

/** The registered instances, and their tokens. */
export interface Actors {
  readonly size: number;
  /** Records that instance `id` was seen now. Returns false if there is no such instance. */
  touchId(id: string): boolean;
  /**
   * Finds the instance with this token, and records that the instance was seen now.
   * @param tokenHash the token's SHA-256 in lowercase hex
   * @returns the instance's id; undefined if no instance has the token
   */
  touchToken(tokenHash: string): string | undefined;
  /**
   * Returns the instance of an agent's session; undefined if there is none. This does not count as activity of the
   * instance.
   */
  ofSession(session: string): SessionActor | undefined;
  /** Whether a recently deleted instance had the token with this SHA-256 (lowercase hex). */
  hadToken(tokenHash: string): boolean;
  /**
   * Counts instance `id` as alive while one of its calls waits. Returns a function that the caller calls at the end of
   * the wait.
   */
  beginWait(id: string): () => void;
  /** Whether there is an instance with this id. Does not count as activity of the instance. */
  has(id: string): boolean;
  /**
   * Calls the listener when the token of instance `id` is revoked, or at once if it is revoked already. Returns a
   * function that removes the listener.
   */
  onRevoked(id: string, listener: () => void): () => void;
}

/** Counts the calls of actors. */
export interface CallCounter {
  add(instance: string, metric: AgentMetric, by: number): void;
}
