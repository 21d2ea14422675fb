/**
 * Finds a schema that refers to itself on the same value, so that a check would never end. An example is a schema whose
 * `allOf` contains a reference to the schema itself. The search is not recursive, because a chain of references may be
 * long. Pure, any thread.
 */
import type { SchemaNode } from "./evaluation.js";

/** Returns all nodes that can be reached from the root. */
function reachable(root: SchemaNode): Set<SchemaNode> {
  const found = new Set([root]);
  // The loop adds nodes to the Set over which it iterates. The new nodes are visited too, because the iteration of a
  // Set includes elements that are added meanwhile.
  for (const { inPlace, below } of found) for (const next of [...inPlace, ...below]) found.add(next);
  return found;
}

/** Returns a node that refers to itself on the same value; null if no reachable node does. */
export function findCycle(root: SchemaNode): SchemaNode | null {
  const done = new Set<SchemaNode>();
  for (const start of reachable(root)) {
    const path = new Set<SchemaNode>();
    const stack = [{ node: start, next: 0 }];
    while (stack.length > 0) {
      const top = stack[stack.length - 1] as (typeof stack)[number];
      if (top.next === 0) {
        if (path.has(top.node)) return top.node;
        if (done.has(top.node)) {
          stack.pop();
          continue;
        }
        path.add(top.node);
      }
      const child = top.node.inPlace[top.next];
      top.next += 1;
      if (child !== undefined) stack.push({ node: child, next: 0 });
      else {
        path.delete(top.node);
        done.add(top.node);
        stack.pop();
      }
    }
  }
  return null;
}
