/**
 * Lists the kinds of old data that the pruner deletes. For each kind, it gives the interval, and the writer method that
 * deletes a limited number of rows.
 *
 * Some kinds are missing, because each call that adds such rows also deletes old ones: versions of keys, idempotency
 * records, counters of agents, compliance runs and webhook deliveries. Sessions are pruned in the front's memory
 * (src/features/sessions/upkeep.ts). The audit log is never pruned.
 */
import type { Config } from "../../schemas/config.js";
import { EVENT_PRUNE_INTERVAL_MS } from "../../schemas/limits/events.js";
import { EVIDENCE_KEEP_MS, EVIDENCE_PRUNE_INTERVAL_MS } from "../../schemas/limits/evidence.js";
import { LEASE_PRUNE_INTERVAL_MS } from "../../schemas/limits/leases.js";
import { MESSAGE_PRUNE_INTERVAL_MS } from "../../schemas/limits/messages.js";
import { TASK_PRUNE_INTERVAL_MS } from "../../schemas/limits/tasks.js";
import type { Retention } from "../platform/background/pruner.js";
import type { Log } from "../base/log.js";
import type { PauseDetector } from "../base/pause-detector.js";
import { pruneLeases } from "../features/claims/commands.js";
import { pruneEvidence } from "../features/evidence/commands.js";
import { pruneEvents } from "../features/events/commands.js";
import type { Directory } from "../features/instances/directory.js";
import { silentInstances } from "../features/instances/silent-pruner.js";
import { pruneMessages } from "../features/messages/commands.js";
import { NO_CALLER } from "../platform/rpc/frames.js";
import { pruneTasks } from "../features/tasks/commands.js";
import type { Writer } from "../platform/threads/writer.js";

export interface RetentionGround {
  readonly config: Pick<Config, "event_history" | "task_retention">;
  readonly writer: Writer;
  readonly directory: Directory;
  /**
   * The in-boxes of messages. `expiresAt` is the time of the next expiry of a message, in ms; null if no message
   * expires.
   */
  readonly boxes: { readonly expiresAt: number | null };
  readonly log: Log;
  readonly pauseDetector: Pick<PauseDetector, "resumed">;
}

export function retentionTable({
  config,
  writer,
  directory,
  boxes,
  log,
  pauseDetector,
}: RetentionGround): readonly Retention[] {
  const { event_history: keep, task_retention: taskRetentionMs } = config;
  const events: Retention = {
    name: "events",
    intervalMs: EVENT_PRUNE_INTERVAL_MS,
    step: () => writer.request(pruneEvents, { keep }, NO_CALLER),
  };
  return [
    // If `event_history` is 0, all events are kept.
    ...(keep > 0 ? [events] : []),
    silentInstances({ directory, writer, log, pauseDetector }),
    {
      // A lease is pruned LEASE_KEEP_MS after its end.
      name: "leases",
      intervalMs: LEASE_PRUNE_INTERVAL_MS,
      step: (after) => writer.request(pruneLeases, { after }, NO_CALLER),
    },
    {
      name: "tasks",
      intervalMs: Math.min(TASK_PRUNE_INTERVAL_MS, taskRetentionMs),
      step: (after, nowMs) => writer.request(pruneTasks, { after, ended_before: nowMs - taskRetentionMs }, NO_CALLER),
    },
    {
      // A record of a command is pruned EVIDENCE_KEEP_MS after it was made.
      name: "evidence",
      intervalMs: EVIDENCE_PRUNE_INTERVAL_MS,
      step: (_after, nowMs) => writer.request(pruneEvidence, { before: nowMs - EVIDENCE_KEEP_MS }, NO_CALLER),
    },
    {
      // A message is pruned MESSAGE_DAYS after it was sent, or as soon as it has expired.
      name: "messages",
      intervalMs: MESSAGE_PRUNE_INTERVAL_MS,
      step: () => writer.request(pruneMessages, {}, NO_CALLER),
      urgent: (nowMs) => boxes.expiresAt !== null && boxes.expiresAt <= nowMs,
    },
  ];
}
