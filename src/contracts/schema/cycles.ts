/**
 * Finds a schema that refers to itself at once: by references and by keywords such as `allOf` alone, all of which
 * look at the same value, so that checking one would never end. Pure, any thread. Walks without recursion: a chain of
 * references may be long.
 */
import type { SchemaNode } from "./evaluation.js";

/** All nodes that an evaluation can reach. */
function reachable(root: SchemaNode): Set<SchemaNode> {
  const found = new Set([root]);
  // A set that grows while it is walked is walked to its end.
  for (const { inPlace, below } of found) for (const next of [...inPlace, ...below]) found.add(next);
  return found;
}

/** A node that an evaluation can reach and that leads to itself on the same value; null where there is none. */
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
