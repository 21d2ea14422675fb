/**
 * Deletes instances that were registered but never activated, and that were not seen for a day. The client that
 * registered such an instance is gone. The deletion is the same call as a client's, with the same audit row. This is a
 * row of the pruner's table.
 */
import type { DeregisterReply } from "../../../schemas/instances.js";
import {
  INSTANCE_FLUSH_ROWS,
  PENDING_PRUNE_INTERVAL_MS,
  PENDING_SILENCE_MS_MAX,
} from "../../../schemas/limits/instances.js";
import type { Retention } from "../../platform/background/pruner.js";
import type { Log } from "../../base/log.js";
import { Failure } from "../../base/result.js";
import { NO_CALLER } from "../../platform/rpc/frames.js";
import type { Writer } from "../../platform/threads/writer.js";
import { deregisterInstance } from "./commands.js";
import type { Directory, Entry } from "./directory.js";

/** Returns the row for pending instances. A run finds the silent ones first, and each of its steps deletes one. */
export function pendingInstances(directory: Directory, writer: Writer, log: Log): Retention {
  let untilMs = 0;
  let silent: readonly Entry[] = [];
  // Spare an instance that has registered others, because these would be deleted with it and may be at work.
  const spares = (entry: Entry): boolean => directory.hasRegistered(entry.id);
  // The instance may have been activated, seen or deleted while others were deleted.
  const isSilent = ({ id }: Entry): boolean => {
    const entry = directory.get(id);
    return entry?.status === "pending" && entry.last_seen <= untilMs && !spares(entry);
  };
  return {
    name: "instances",
    intervalMs: PENDING_PRUNE_INTERVAL_MS,
    step: async (after, nowMs) => {
      if (after === 0) {
        untilMs = nowMs - PENDING_SILENCE_MS_MAX;
        silent = directory.silentSince(untilMs, INSTANCE_FLUSH_ROWS, "pending", spares);
      }
      const at = silent.findIndex((entry, index) => index >= after && isSilent(entry));
      const entry = silent[at];
      if (entry === undefined) return { removed: 0, after: null };
      const { id, name } = entry;
      for (let from: string | null = null; ; ) {
        const reply: DeregisterReply | Failure = await writer.request(deregisterInstance, { id, at: from }, NO_CALLER);
        if (reply instanceof Failure) return reply;
        for (const gone of reply.ids) directory.remove(gone);
        from = reply.more;
        if (from === null) break;
      }
      log.info("pending instance pruned", { id, name });
      return { removed: 1, after: at + 1 };
    },
  };
}
