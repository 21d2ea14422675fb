/**
 * A command under a claim, a lease or a task: while it runs the claim is asked for, which is the sign of life that
 * keeps it, and a command whose claim is over is ended. Runs in the command line's process. What is claimed, and what
 * becomes of it at the end, is lease-run.ts's and task-work.ts's; the process is command-process.ts's.
 */
import { CLI_LEASE_GRACE_MS, CLI_OUTPUT_LAG_MS, CLI_RETRY_MS_MAX } from "../schemas/limits.js";
import { CommandProcess, type CommandEnd, type CommandStreams } from "./command-process.js";
import { io } from "./io.js";
import type { CallLimits } from "./lease-calls.js";
import { warn } from "./output.js";
import { pause } from "./pause.js";
import { joinServers } from "./server-list.js";
import { serversOf, type Settings } from "./settings.js";
import { captureSignals, type EndingSignal } from "./signals.js";

const SECOND_MS = 1_000;
/** A sign of life this many times in the claim's life, so that two of them may get lost. */
const HEARTBEATS_PER_TTL = 3;
/** What a shell description of a command that it cannot start. */
export const CANNOT_START_EXIT = 127;
export const LOST_EXIT = 1;
/** Who gives a claim back at the end of a command does not wait long for a server that is away. */
export const RELEASE_TIMEOUT_MS = 10_000;

/** Times that tests make short; by default they follow from the claim. */
export interface RunTimes {
  /** Between two signs of life. */
  readonly interval_ms: number;
  /** After so long without an answer the claim counts as lost. */
  readonly ttl_ms: number;
  /** Before a server that did not answer is asked again. */
  readonly retry_ms: number;
  /** Between SIGTERM and SIGKILL. */
  readonly grace_ms: number;
}

export function runTimes(ttl_s: number): RunTimes {
  const ttl_ms = ttl_s * SECOND_MS;
  const interval_ms = ttl_ms / HEARTBEATS_PER_TTL;
  const retry_ms = Math.min(interval_ms, CLI_RETRY_MS_MAX);
  return { interval_ms, ttl_ms, retry_ms, grace_ms: CLI_LEASE_GRACE_MS };
}

/** Why a command is ended before its time. */
export interface Stop {
  /** `timed_out`: lost for all that is known, since the server does not answer. */
  readonly kind: "lost" | "timed_out" | "canceled";
  /** Behind the claim's name: `is lost (expired)`. */
  readonly description: string;
}

/** A claim that is held. */
export interface HeldClaim {
  /** As messages call it: `the lease lease-1`. */
  readonly name: string;
  /** What the command finds in its environment; what is undefined it does not find there. */
  readonly environment: Readonly<Record<string, string | undefined>>;
  /** Asks for the claim: why the command is to be ended, or whether there was an answer that description it is still held. */
  readonly sendHeartbeat: (limits: CallLimits) => Promise<Stop | boolean>;
}

export type RunResult =
  | { readonly kind: "not_started"; readonly why: string }
  | { readonly kind: "ended"; readonly end: CommandEnd }
  | { readonly kind: "stopped"; readonly stop: Stop; readonly end: CommandEnd };

/**
 * Gives signs of life until the signal comes; resolves where the command is to be ended, with why.
 * @param known why it is being ended already, if it is
 */
async function sendHeartbeats(
  claim: HeldClaim,
  { interval_ms, ttl_ms, retry_ms }: RunTimes,
  signal: AbortSignal,
  known?: Stop["kind"],
): Promise<Stop | undefined> {
  let confirmedAtMs = performance.now();
  let pause_ms = interval_ms;
  for (;;) {
    await pause(pause_ms, signal);
    // An answer counts from when it was asked for: that is what the server has heard for certain.
    const asked_ms = performance.now();
    const answer_timeout_ms = Math.max(1, Math.min(interval_ms, confirmedAtMs + ttl_ms - asked_ms));
    const alive = await claim.sendHeartbeat({ signal, answer_timeout_ms });
    if (signal.aborted) return undefined;
    if (typeof alive !== "boolean" && alive.kind !== known) return alive;
    if (alive !== false) confirmedAtMs = asked_ms;
    const left_ms = confirmedAtMs + ttl_ms - performance.now();
    if (left_ms <= 0)
      return { kind: "timed_out", description: "is lost (the server has not answered for as long as it lasts)" };
    pause_ms = Math.min(alive !== false ? interval_ms : retry_ms, left_ms);
  }
}

/** The command's end; or the claim's, which was first: then the command is ended too. */
async function untilEnd(claim: HeldClaim, command: CommandProcess, times: RunTimes): Promise<RunResult> {
  const over = new AbortController();
  const stopped = sendHeartbeats(claim, times, over.signal);
  const first = (await Promise.race([command.ended, stopped])) ?? (await command.ended);
  if ("kind" in first) {
    warn(`${claim.name} ${first.description}: the command is ended`);
    // What is not lost is held until the command has ended: then there is something to say of it.
    const held = first.kind === "canceled" ? sendHeartbeats(claim, times, over.signal, "canceled") : undefined;
    const end = await command.end(times.grace_ms);
    over.abort();
    await held;
    return { kind: "stopped", stop: first, end };
  }
  over.abort();
  return { kind: "ended", end: first };
}

/** As which instance, and towards which server, a command acts in whatever folder it works. */
function identity(settings: Settings): Readonly<Record<string, string>> {
  const { token, instance } = settings;
  return {
    KOOR_SERVER: joinServers(serversOf(settings)),
    ...(token === "" ? {} : { KOOR_TOKEN: token }),
    ...(instance === "" ? {} : { KOOR_INSTANCE: instance }),
  };
}

/**
 * Runs a command under a claim that is held. Signals that would end this process go on to the command.
 * @param streams null: the command has this process's own
 */
export async function runUnderClaim(
  settings: Settings,
  claim: HeldClaim,
  words: readonly string[],
  times: RunTimes,
  streams: CommandStreams | null = null,
): Promise<RunResult> {
  const environment = { ...io().environment, ...identity(settings), ...claim.environment };
  let command: CommandProcess | string | undefined;
  const early: EndingSignal[] = [];
  const restoreSignals = captureSignals((signal) => {
    if (command instanceof CommandProcess) command.send(signal);
    else early.push(signal);
  });
  // Stopped by Ctrl-Z, this process would give no more signs of life, while the command goes on.
  process.on("SIGTSTP", ignore);
  try {
    command = await CommandProcess.start(words, environment, streams);
    if (typeof command === "string") {
      warn(`cannot start ${words[0] ?? ""}: ${command}`);
      return { kind: "not_started", why: command };
    }
    for (const signal of early) command.send(signal);
    const ran = await untilEnd(claim, command, times);
    if (streams !== null) await command.drained(CLI_OUTPUT_LAG_MS);
    return ran;
  } finally {
    process.off("SIGTSTP", ignore);
    restoreSignals();
  }
}

function ignore(): void {}
