/** Defines the shapes of the RPC methods for the sessions of agents' clients. Clients of the server never see them. */
import * as Type from "typebox";
import type { Static } from "typebox";
import { nullable } from "./common.js";
import { CheckoutChange } from "./instances.js";

/**
 * A new instance for a session or a subagent. The call stores it only if the session or the subagent has no instance
 * yet. No client gets a token with this hash.
 */
const Candidate = Type.Object({ id: Type.String(), token_hash: Type.String(), name: Type.String() });

/** The members of a request that say which sessions the caller may use. */
const TOKEN = {
  /** The id of the instance whose token made the call; "" if the call had the server's token or no token. */
  owner: Type.String(),
  /** True if the call may use the sessions of all tokens; false if only those that its own token has begun. */
  any: Type.Boolean(),
};

/**
 * Begins or continues a session or a subagent. `session` and `agent` are the client's ids; `agent` is "" if the event
 * is not about a subagent. `label` is the preferred name of the subagent; it is appended to the parent's name.
 *
 * If `restarts` is false, the call does nothing for a session or a subagent that has ended. A null `checkout` changes
 * nothing.
 */
export const BeginSessionRequest = Type.Object({
  session: Type.String(),
  agent: Type.String(),
  label: Type.String(),
  ...TOKEN,
  client: Type.String(),
  workspace: Type.String(),
  checkout: nullable(CheckoutChange),
  restarts: Type.Boolean(),
  instance: Candidate,
  subagent: Candidate,
});
export type BeginSessionRequest = Static<typeof BeginSessionRequest>;

/**
 * The instances of the session and of the subagent, by id. If the call did nothing because the session or the subagent
 * has ended, both are null. `made` has the ids of the new instances. `changed` has the ids of all new and changed
 * instances.
 */
export const BeginSessionReply = Type.Object({
  instance: nullable(Type.String()),
  subagent: nullable(Type.String()),
  made: Type.Array(Type.String()),
  changed: Type.Array(Type.String()),
});
export type BeginSessionReply = Static<typeof BeginSessionReply>;

/**
 * Ends a session and its subagents, or only the subagent `agent` if that is not "". `last_seen` is the time at which
 * the front last saw the instances, in ms.
 */
export const EndSessionRequest = Type.Object({
  session: Type.String(),
  agent: Type.String(),
  ...TOKEN,
  last_seen: Type.Integer(),
});
export type EndSessionRequest = Static<typeof EndSessionRequest>;

/**
 * The ids of the instances that have ended. If `more` is true, further instances remain, and the caller must repeat the
 * call to end them.
 */
export const EndSessionReply = Type.Object({ ids: Type.Array(Type.String()), more: Type.Boolean() });
export type EndSessionReply = Static<typeof EndSessionReply>;
