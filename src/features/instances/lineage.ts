/** Follows the chain from a subagent to its parents, and finds the account of an agent. Pure. */
import { AGENT_PARENTS_MAX, ACCOUNT_REGISTRANTS_MAX } from "../../../schemas/limits/instances.js";

/**
 * Yields an agent, then its parent, then the parent's parent, and so on. It ends after AGENT_PARENTS_MAX agents, or at
 * a parent that is not registered.
 * @param find returns the agent with an id
 */
export function* lineageOf<Agent extends { readonly parent: string | null }>(
  first: Agent | undefined,
  find: (id: string) => Agent | undefined,
): Generator<Agent, void, undefined> {
  let next = first;
  for (let level = 0; next !== undefined && level < AGENT_PARENTS_MAX; level++) {
    yield next;
    next = next.parent === null ? undefined : find(next.parent);
  }
}

interface Owned {
  readonly parent: string | null;
  /** The id of the instance whose token registered this one; "" if no instance's token did. */
  readonly registered_by: string;
  readonly account: string | null;
}

/**
 * Returns the account of an agent. An agent without an account has the account of its parent, or else of the instance
 * that has registered it. Otherwise an agent could leave its account by registering another instance.
 * @param find returns the agent with an id
 * @returns null if none is known after ACCOUNT_REGISTRANTS_MAX agents
 */
export function accountOf<Agent extends Owned>(
  first: Agent | undefined,
  find: (id: string) => Agent | undefined,
): string | null {
  let next = first;
  for (let level = 0; next !== undefined && level < ACCOUNT_REGISTRANTS_MAX; level++) {
    if (next.account !== null) return next.account;
    next = find(next.parent ?? next.registered_by);
  }
  return null;
}
