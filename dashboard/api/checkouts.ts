/** Names the checkouts of agents so that people can tell them apart. Pure. */
import type { Instance } from "./types.js";

export type Checkout = NonNullable<Instance["checkout"]>;

/**
 * Returns the checkouts in which agents work, by id.
 * @param agents the agents in the order of the API. If several agents work in a checkout, the agent that was seen last
 * determines the branch.
 */
export function checkoutsOf(agents: readonly Pick<Instance, "checkout">[]): ReadonlyMap<string, Checkout> {
  const checkouts = new Map<string, Checkout>();
  for (const { checkout } of agents)
    if (checkout !== null && !checkouts.has(checkout.id)) checkouts.set(checkout.id, checkout);
  return checkouts;
}

const folderOf = ({ root, id }: Checkout): string => root?.split(/[\\/]/).findLast((part) => part !== "") ?? id;
const branchOf = (checkout: Checkout): string => checkout.branch ?? folderOf(checkout);

/** The possible labels of a checkout, the shortest first. The last one is unique, because it contains the id. */
const LABELS: readonly ((checkout: Checkout) => string)[] = [
  branchOf,
  (checkout) => `${branchOf(checkout)} · ${folderOf(checkout)}`,
  (checkout) => `${branchOf(checkout)} · ${checkout.id}`,
];

/**
 * Returns the label of each checkout, by its id. The label is the branch, with more detail if another checkout has the
 * same branch. Without a branch it is the name of the folder.
 */
export function checkoutLabels(checkouts: ReadonlyMap<string, Checkout>): ReadonlyMap<string, string> {
  const labels = new Map<string, string>();
  let rest = [...checkouts.values()];
  for (const label of LABELS) {
    const counts = new Map<string, number>();
    for (const checkout of rest) counts.set(label(checkout), (counts.get(label(checkout)) ?? 0) + 1);
    for (const checkout of rest) labels.set(checkout.id, label(checkout));
    rest = rest.filter((checkout) => counts.get(label(checkout)) !== 1);
  }
  return labels;
}

/**
 * Returns a text that says where a checkout is. The text has its root, its machine and its id, as far as they are
 * known.
 */
export function checkoutTitle({ id, root, machine }: Checkout): string {
  return [root, machine, id].filter((text) => text !== null).join(" · ");
}
