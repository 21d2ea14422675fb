/** Lists the topics of the events from which spans are computed. Pure data. */
import type { ServerTopic } from "../../../schemas/events.js";

export const TRACED_TOPICS = [
  "task.claimed",
  "task.ready",
  "task.input_required",
  "task.done",
  "task.failed",
  "task.dead",
  "task.canceled",
  "lease.granted",
  "lease.released",
  "lease.lost",
  "evidence.recorded",
  "message.sent",
  "agent.denied",
] as const satisfies readonly ServerTopic[];
export type TracedTopic = (typeof TRACED_TOPICS)[number];
