/**
 * Runs a command under a lease, and releases the lease when the command ends. A heartbeat is a read of the lease,
 * because each read by the holder keeps the lease alive. claim-run.ts has the code that leases and tasks share. Runs in
 * the CLI process.
 */
import { traceparentIn, traceVariables } from "./trace-environment.js";
import { formatTraceparent, leaseSpan } from "../shared/trace-context.js";
import { hashOf } from "./content-hash.js";
import { io } from "./io.js";
import { ALTERNATIVE_GROUPS_MAX } from "../schemas/limits/claims.js";
import { failureOf, Refusal } from "./ask.js";
import { CANNOT_START_EXIT, LOST_EXIT, RELEASE_TIMEOUT_MS, runTimes, runUnderClaim } from "./claim-run.js";
import type { RunTimes, Stop } from "./claim-run.js";
import { CliFailure } from "./failure.js";
import { getLease, releaseLease, type CallLimits, type Lease } from "./lease-calls.js";
import { untilLeaseEnds } from "./lease-end.js";
import { isFailure } from "./outcome.js";
import { warn } from "./output.js";
import type { Settings } from "./settings.js";
import { exitCodeOfSignal } from "./signals.js";

const NOT_FOUND = 404;

function lost(why: string): Stop {
  return { kind: "lost", description: `is lost (${why})` };
}

/**
 * Sends a heartbeat. Returns a `Stop` if the lease is lost. Otherwise returns whether the server has confirmed that the
 * lease is held.
 */
async function sendHeartbeat(settings: Settings, { id, fence }: Lease, limits: CallLimits): Promise<Stop | boolean> {
  const answer = await getLease(settings, id, 0, limits);
  if (answer instanceof Refusal) return answer.status === NOT_FOUND ? lost(answer.failure.message) : false;
  if (answer instanceof CliFailure) return false;
  const { state, reason, note } = answer.lease;
  if (state === "held" && answer.lease.fence === fence) return true;
  return lost([state === "lost" ? reason : state, ...(note === null ? [] : [note])].join(": "));
}

async function releaseHeld(settings: Settings, { id, fence }: Lease): Promise<void> {
  const released = await releaseLease(settings, id, fence, { answer_timeout_ms: RELEASE_TIMEOUT_MS });
  if (isFailure(released)) warn(`the lease ${id} could not be released: ${failureOf(released).message}`);
}

/**
 * Returns variables with the names that were granted from the groups of alternatives. KOOR_LEASE_ANY has the name from
 * the first group, KOOR_LEASE_ANY_2 that from the second, and so on. Variables of an outer lease are removed.
 */
function chosenNames({ resources, any = [] }: Lease): Readonly<Record<string, string | undefined>> {
  // The last resources of the lease are the names that were granted from its groups.
  const chosen = any.length === 0 ? [] : resources.slice(-any.length);
  const variables: Record<string, string | undefined> = {};
  for (let at = 0; at < ALTERNATIVE_GROUPS_MAX; at++)
    variables[at === 0 ? "KOOR_LEASE_ANY" : `KOOR_LEASE_ANY_${at + 1}`] = chosen[at];
  return variables;
}

/**
 * Returns the variables with the trace context. It is that of this process if there is one, and otherwise that of the
 * lease.
 */
function traceOf(lease: Lease): Readonly<Record<string, string>> {
  const { environment } = io();
  const outer = traceparentIn(environment);
  return traceVariables(outer ?? formatTraceparent(leaseSpan(lease, hashOf)), environment);
}

/**
 * Runs a command under a held lease, and returns the command's exit code. Releases the lease even if the command fails.
 */
export async function runUnderLease(
  settings: Settings,
  lease: Lease,
  words: readonly string[],
  times: RunTimes = runTimes(lease.ttl_s),
): Promise<number> {
  const claim = {
    name: `the lease ${lease.id}`,
    environment: {
      KOOR_LEASE: lease.id,
      KOOR_FENCE: String(lease.fence),
      ...chosenNames(lease),
      ...traceOf(lease),
    },
    sendHeartbeat: async (limits: CallLimits) => await sendHeartbeat(settings, lease, limits),
    untilEnded: async (intervalMs: number, signal: AbortSignal) =>
      await untilLeaseEnds(settings, lease.id, intervalMs, signal),
  };
  const ran = await runUnderClaim(settings, claim, words, times);
  // A lease that the server reported as lost cannot be released.
  if (!(ran.kind === "stopped" && ran.stop.kind === "lost")) await releaseHeld(settings, lease);
  if (ran.kind === "not_started") return CANNOT_START_EXIT;
  if (ran.kind === "stopped") return LOST_EXIT;
  return ran.end.signal === null ? (ran.end.code ?? LOST_EXIT) : await exitCodeOfSignal(ran.end.signal);
}
