/** Follows the chain from a subagent to its parents, and finds an agent's account along the chain. Pure. */
import { AGENT_PARENTS_MAX } from "../../../schemas/limits/instances.js";

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

/**
 * Returns the account of an agent, or else of the nearest parent that has one; null if none is known.
 * @param find returns the agent with an id
 */
export function accountOf<Agent extends { readonly parent: string | null; readonly account: string | null }>(
  first: Agent | undefined,
  find: (id: string) => Agent | undefined,
): string | null {
  for (const { account } of lineageOf(first, find)) if (account !== null) return account;
  return null;
}
