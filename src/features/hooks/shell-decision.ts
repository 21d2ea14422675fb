/**
 * Decides about a shell command by the files that it plainly writes. These files are compared with the leases of other
 * agents. They are never leased, because the text of a command says too little about the files that it really changes.
 * Runs on the front.
 */
import { type CallOutcome, type DecidedCall, denied, MAY_RUN } from "./decided-call.js";
import { leasedReason } from "./denial.js";
import { locateAll } from "./edit-decision.js";
import type { HeldByOthers } from "./held-by-others.js";
import type { HeldLines } from "./held-lines.js";

export function decideShellWrites(
  { held, heldLines }: { readonly held: HeldByOthers; readonly heldLines: HeldLines },
  call: DecidedCall,
): CallOutcome {
  const { effects, roots, actor, headers } = call;
  const located = locateAll(effects.written.paths, effects.directory, roots);
  if (located.length === 0) return MAY_RUN;
  const obstacles = [...held.obstacles(held.want(located, actor).paths)];
  const [first] = obstacles;
  if (first === undefined) return MAY_RUN;
  return headers.policy === "warn"
    ? { denial: null, lines: heldLines.of(obstacles, actor.id) }
    : denied(leasedReason(first), first);
}
