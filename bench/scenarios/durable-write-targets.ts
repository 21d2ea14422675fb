/** The targets of the design for durable writes. They are the same for values and for events. Pure. */
import type { Target } from "../model.js";
import { atLeast, atMost, type MeasuredRow } from "../throughput.js";

const P99_MS_MAX = 12;
/** The limit of the cost of durability, history and audit log, in multiples of a handler that stores nothing. */
const CPU_TO_RAW_MAX = 3.5;

export function durableWriteTargets({
  connections,
  rateTo,
  cpuToRaw,
  p99_ms,
  refused,
}: MeasuredRow): (Target | undefined)[] {
  const toRedis = rateTo.get("Redis");
  if (connections === 1)
    return [atLeast("rate to Redis SET, fsync always", toRedis, 0.5), atMost("refused", refused, 0)];
  if (connections !== 64) return [];
  return [
    atLeast("rate to Redis SET, fsync always", toRedis, 0.45),
    atMost("CPU to raw uWS", cpuToRaw, CPU_TO_RAW_MAX),
    atMost("p99_ms", p99_ms, P99_MS_MAX),
    atMost("refused", refused, 0),
  ];
}
