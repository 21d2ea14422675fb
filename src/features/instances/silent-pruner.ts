/**
 * Deletes instances that have been silent for a day. These are instances that were registered but never activated, and
 * stale instances of agents' sessions. The client of such an instance is gone. The pruner makes the same call as a
 * client that deletes an instance, so the audit row is the same.
 */
import type { DeregisterReply } from "../../../schemas/instances.js";
import {
  AGENT_SESSION_KEEP_MS,
  INSTANCE_FLUSH_ROWS,
  PENDING_PRUNE_INTERVAL_MS,
  PENDING_SILENCE_MS_MAX,
} from "../../../schemas/limits/instances.js";
import type { Retention } from "../../platform/background/pruner.js";
import type { Log } from "../../base/log.js";
import { type PauseDetector, reachableUntil } from "../../base/pause-detector.js";
import { Failure } from "../../base/result.js";
import { NO_CALLER } from "../../platform/rpc/frames.js";
import type { Writer } from "../../platform/threads/writer.js";
import { deregisterInstance } from "./commands.js";
import type { Directory } from "./directory.js";
import type { Entry } from "./entry.js";

/** For each status, the time of silence after which an instance is deleted. Active instances are never deleted. */
const SILENCE_MS_MAX = { pending: PENDING_SILENCE_MS_MAX, stale: AGENT_SESSION_KEEP_MS } as const;
const STATUSES = ["pending", "stale"] as const;

export interface SilentInstancesOptions {
  readonly directory: Directory;
  readonly writer: Writer;
  readonly log: Log;
  readonly pauseDetector: Pick<PauseDetector, "resumed">;
}

/**
 * Returns the rule by which the pruner deletes silent instances. A run first finds the silent instances. Then each step
 * deletes one of them. The time of a pause of the server is no silence, because no instance could reach the server.
 */
export function silentInstances({ directory, writer, log, pauseDetector }: SilentInstancesOptions): Retention {
  let runAtMs = 0;
  let silent: readonly Entry[] = [];
  // Spare an instance that has registered others or has subagents. They would be deleted with it, although they may be
  // working. Also spare a stale instance that belongs to no session, because only its user knows whether it will come
  // back.
  const spares = ({ id, status, session }: Entry): boolean =>
    directory.registeredBy(id).size > 0 || (status === "stale" && session === null);
  const untilMs = (status: (typeof STATUSES)[number]): number => runAtMs - SILENCE_MS_MAX[status];
  // Check again, because the instance may have been activated, seen or deleted while others were deleted.
  const isSilent = ({ id }: Entry): boolean => {
    const entry = directory.get(id);
    if (entry === undefined || entry.status === "active") return false;
    return entry.last_seen <= untilMs(entry.status) && !spares(entry);
  };
  return {
    name: "instances",
    intervalMs: PENDING_PRUNE_INTERVAL_MS,
    step: async (after, nowMs) => {
      if (after === 0) {
        runAtMs = reachableUntil(pauseDetector.resumed(nowMs), nowMs);
        silent = STATUSES.flatMap((status) =>
          directory.silentSince(untilMs(status), INSTANCE_FLUSH_ROWS, status, spares),
        );
      }
      const at = silent.findIndex((entry, index) => index >= after && isSilent(entry));
      const entry = silent[at];
      if (entry === undefined) return { removed: 0, after: null };
      const { id, name, status } = entry;
      for (let from: string | null = null; ; ) {
        const reply: DeregisterReply | Failure = await writer.request(deregisterInstance, { id, at: from }, NO_CALLER);
        if (reply instanceof Failure) return reply;
        for (const gone of reply.ids) directory.remove(gone);
        from = reply.more;
        if (from === null) break;
      }
      log.info("silent instance pruned", { id, name, status });
      return { removed: 1, after: at + 1 };
    },
  };
}
