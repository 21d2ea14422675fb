/**
 * Runs a command while this process holds a claim (a lease or a task). Heartbeats keep the claim alive while the
 * command runs. If the claim ends first, the command is terminated.
 *
 * lease-run.ts and task-work.ts decide what is claimed, and what happens to the claim afterwards. command-process.ts
 * controls the command's process. Runs in the CLI process.
 */
import { CLI_LEASE_GRACE_MS, CLI_OUTPUT_LAG_MS, CLI_RETRY_MS_MAX } from "../schemas/limits/cli.js";
import { SECOND_MS } from "../shared/duration.js";
import { CommandProcess, type CommandEnd, type CommandStreams } from "./command-process.js";
import { io } from "./io.js";
import type { CallLimits } from "./lease-calls.js";
import { warn } from "./output.js";
import { pause } from "./pause.js";
import { joinServers } from "./server-list.js";
import { actorOf, serversOf, type Settings } from "./settings.js";
import { captureSignals, type EndingSignal } from "./signals.js";

/**
 * The number of heartbeats that are sent within the claim's ttl (time to live). With three, the claim does not expire
 * if two heartbeats in a row are lost.
 */
const HEARTBEATS_PER_TTL = 3;
/** The exit code that a shell returns for a command that it cannot start. */
export const CANNOT_START_EXIT = 127;
export const LOST_EXIT = 1;
/**
 * The maximum time to wait until the server confirms the release of a claim, in ms. It is short, so that an unreachable
 * server does not keep the user waiting.
 */
export const RELEASE_TIMEOUT_MS = 10_000;

/** The times that control a run. By default, they are computed from the claim's ttl. Tests use shorter times. */
export interface RunTimes {
  /** The time between two heartbeats. */
  readonly intervalMs: number;
  /** The claim counts as lost if no heartbeat was answered for this time, in ms. */
  readonly ttlMs: number;
  /** The pause before an unanswered heartbeat is sent again, in ms. */
  readonly retryMs: number;
  /** The time between SIGTERM and SIGKILL when the command is terminated, in ms. */
  readonly graceMs: number;
}

export function runTimes(ttlS: number): RunTimes {
  const ttlMs = ttlS * SECOND_MS;
  const intervalMs = ttlMs / HEARTBEATS_PER_TTL;
  const retryMs = Math.min(intervalMs, CLI_RETRY_MS_MAX);
  return { intervalMs, ttlMs, retryMs, graceMs: CLI_LEASE_GRACE_MS };
}

/** The reason why a running command is terminated. */
export interface Stop {
  /**
   * `lost`: the server reported that the claim has ended. `timed_out`: no server answered, so the claim may be lost.
   * `canceled`: the task was canceled.
   */
  readonly kind: "lost" | "timed_out" | "canceled";
  /** The words that follow the claim's name in the message, for example `is lost (expired)`. */
  readonly description: string;
}

/** A claim that this process holds. */
export interface HeldClaim {
  /** The claim's name in messages to the user, for example `the lease lease-1`. */
  readonly name: string;
  /**
   * Environment variables that the command gets in addition to those of this process. A variable with the value
   * undefined is removed.
   */
  readonly environment: Readonly<Record<string, string | undefined>>;
  /**
   * Sends one heartbeat. Returns a `Stop` if the command must be terminated. Otherwise returns whether a server
   * confirmed the heartbeat.
   */
  readonly sendHeartbeat: (limits: CallLimits) => Promise<Stop | boolean>;
  /**
   * Resolves to true when the claim has probably ended, so that a heartbeat is sent immediately. Resolves to false when
   * the signal fires, or when this cannot be found out. If the function is absent, only heartbeats show the end.
   */
  readonly untilEnded?: (intervalMs: number, signal: AbortSignal) => Promise<boolean>;
}

export type RunResult =
  | { readonly kind: "not_started"; readonly why: string }
  | { readonly kind: "ended"; readonly end: CommandEnd }
  | { readonly kind: "stopped"; readonly stop: Stop; readonly end: CommandEnd };

/**
 * Sends heartbeats until the signal fires. Resolves earlier, with the reason, if the work under the claim must stop.
 * @param known a reason that is ignored, because the command is already being terminated for it
 */
export async function sendHeartbeats(
  claim: Pick<HeldClaim, "sendHeartbeat" | "untilEnded">,
  { intervalMs, ttlMs, retryMs }: RunTimes,
  signal: AbortSignal,
  known?: Stop["kind"],
): Promise<Stop | undefined> {
  const ended = new AbortController();
  if (known === undefined)
    void claim.untilEnded?.(intervalMs, signal).then((isEnded) => {
      if (isEnded) ended.abort();
    });
  let wake = AbortSignal.any([signal, ended.signal]);
  let confirmedAtMs = performance.now();
  let pauseMs = intervalMs;
  for (;;) {
    await pause(pauseMs, wake);
    // The end of the claim makes one pause shorter. If the heartbeat then succeeds, the next pauses have their length.
    if (ended.signal.aborted) wake = signal;
    // Count the ttl from the time of the send. The server receives the heartbeat later, so the claim ends no earlier
    // than this process assumes.
    const askedMs = performance.now();
    const answerTimeoutMs = Math.max(1, Math.min(intervalMs, confirmedAtMs + ttlMs - askedMs));
    const alive = await claim.sendHeartbeat({ signal, answer_timeout_ms: answerTimeoutMs });
    if (signal.aborted) return undefined;
    if (typeof alive !== "boolean" && alive.kind !== known) return alive;
    if (alive !== false) confirmedAtMs = askedMs;
    const leftMs = confirmedAtMs + ttlMs - performance.now();
    if (leftMs <= 0) return { kind: "timed_out", description: "is lost (the server has not answered within its ttl)" };
    pauseMs = Math.min(alive !== false ? intervalMs : retryMs, leftMs);
  }
}

/** Waits until the command or the claim ends. If the claim ends first, terminates the command. */
async function untilEnd(claim: HeldClaim, command: CommandProcess, times: RunTimes): Promise<RunResult> {
  const over = new AbortController();
  const stopped = sendHeartbeats(claim, times, over.signal);
  const first = (await Promise.race([command.ended, stopped])) ?? (await command.ended);
  if ("kind" in first) {
    warn(`${claim.name} ${first.description}: the command is stopped`);
    // A canceled task stays claimed until its result is reported. So send heartbeats until the command has ended.
    const held = first.kind === "canceled" ? sendHeartbeats(claim, times, over.signal, "canceled") : undefined;
    const end = await command.end(times.graceMs);
    over.abort();
    await held;
    return { kind: "stopped", stop: first, end };
  }
  over.abort();
  return { kind: "ended", end: first };
}

/**
 * Returns variables that give the command the same instance and servers in every folder. The session needs no variable
 * here, because the command inherits it.
 */
function identity(settings: Settings): Readonly<Record<string, string>> {
  const { token } = settings;
  const { instance } = actorOf(settings);
  return {
    KOOR_SERVER: joinServers(serversOf(settings)),
    ...(token === "" ? {} : { KOOR_TOKEN: token }),
    ...(instance === "" ? {} : { KOOR_INSTANCE: instance }),
  };
}

/**
 * Runs a command while this process holds a claim. Forwards the signals that would end this process to the command.
 * @param streams the command's standard streams; null makes the command inherit this process's streams
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
  // Ignore Ctrl-Z. It would stop this process and its heartbeats, while the command continues.
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
