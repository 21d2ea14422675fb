/**
 * A command under a lease: its life is the lease's. While it runs the lease is asked for, which is the sign of life
 * that keeps it; a command whose lease is lost is ended, and a command that ends gives its lease back. Runs in the
 * command line's process. The process is command-process.ts's.
 */
import { CLI_LEASE_GRACE_MS, CLI_LEASE_RETRY_MS_MAX } from "../schemas/limits.js";
import { CommandProcess, type CommandEnd } from "./command-process.js";
import { CliFailure } from "./failure.js";
import { failureOf, getLease, Refusal, releaseLease, type Lease } from "./lease-calls.js";
import { note } from "./output.js";
import { pause } from "./pause.js";
import type { Settings } from "./settings.js";
import { exitCodeOfSignal, takeSignals, type EndingSignal } from "./signals.js";

const SECOND_MS = 1_000;
/** A sign of life this many times in the lease's life, so that two of them may get lost. */
const SIGNS_IN_TTL = 3;
const NOT_FOUND = 404;
/** What a shell says of a command that it cannot start. */
const CANNOT_START_EXIT = 127;
const LOST_EXIT = 1;
/** Who gives a lease back at the end of a command does not wait long for a server that is away. */
const RELEASE_TIMEOUT_MS = 10_000;

/** Times that tests make short; by default they follow from the lease. */
export interface RunTimes {
  /** Between two signs of life. */
  readonly interval_ms: number;
  /** After so long without an answer the lease counts as lost. */
  readonly ttl_ms: number;
  /** Before a server that did not answer is asked again. */
  readonly retry_ms: number;
  /** Between SIGTERM and SIGKILL. */
  readonly grace_ms: number;
}

export function runTimes(ttl_s: number): RunTimes {
  const ttl_ms = ttl_s * SECOND_MS;
  const interval_ms = ttl_ms / SIGNS_IN_TTL;
  const retry_ms = Math.min(interval_ms, CLI_LEASE_RETRY_MS_MAX);
  return { interval_ms, ttl_ms, retry_ms, grace_ms: CLI_LEASE_GRACE_MS };
}

/** How a lease was lost. */
class Loss {
  /** @param told whether the server said so, and has nothing left to be given back */
  constructor(
    readonly why: string,
    readonly told: boolean,
  ) {}
}

/** Asks for the lease: its loss, or whether there was an answer that says it is still held. */
async function askForLife(
  settings: Settings,
  { id, fence }: Lease,
  signal: AbortSignal,
  answer_timeout_ms: number,
): Promise<Loss | boolean> {
  const told = await getLease(settings, id, 0, { signal, answer_timeout_ms });
  if (told instanceof Refusal) return told.status === NOT_FOUND ? new Loss(told.failure.message, true) : false;
  if (told instanceof CliFailure) return false;
  const { state, reason, note: remark } = told.lease;
  if (state === "held" && told.lease.fence === fence) return true;
  return new Loss([state === "lost" ? reason : state, ...(remark === null ? [] : [remark])].join(": "), true);
}

/** Gives signs of life until the signal comes; resolves with the loss, where there is one. */
async function keepAlive(
  settings: Settings,
  lease: Lease,
  { interval_ms, ttl_ms, retry_ms }: RunTimes,
  signal: AbortSignal,
): Promise<Loss | undefined> {
  let heard_ms = performance.now();
  let pause_ms = interval_ms;
  for (;;) {
    await pause(pause_ms, signal);
    // An answer counts from when it was asked for: that is what the server has heard for certain.
    const asked_ms = performance.now();
    const patience_ms = Math.max(1, Math.min(interval_ms, heard_ms + ttl_ms - asked_ms));
    const lives = await askForLife(settings, lease, signal, patience_ms);
    if (signal.aborted) return undefined;
    if (lives instanceof Loss) return lives;
    if (lives) heard_ms = asked_ms;
    const left_ms = heard_ms + ttl_ms - performance.now();
    if (left_ms <= 0) return new Loss("the server has not answered for as long as it lasts", false);
    pause_ms = Math.min(lives ? interval_ms : retry_ms, left_ms);
  }
}

async function giveBack(settings: Settings, { id, fence }: Lease): Promise<void> {
  const released = await releaseLease(settings, id, fence, { answer_timeout_ms: RELEASE_TIMEOUT_MS });
  if (released instanceof Refusal || released instanceof CliFailure)
    note(`the lease ${id} could not be given back: ${failureOf(released).message}`);
}

/** The command's end; or the lease's, which was first: then the command is ended too. */
async function untilEnd(
  settings: Settings,
  lease: Lease,
  command: CommandProcess,
  times: RunTimes,
): Promise<CommandEnd | Loss> {
  const over = new AbortController();
  const lost = keepAlive(settings, lease, times, over.signal);
  const end = (await Promise.race([command.ended, lost])) ?? (await command.ended);
  over.abort();
  if (!(end instanceof Loss)) return end;
  note(`the lease ${lease.id} is lost (${end.why}): the command is ended`);
  await command.end(times.grace_ms);
  return end;
}

/** Runs a command under a lease that is held, and gives it back whatever becomes of the command; the exit code. */
export async function runUnderLease(
  settings: Settings,
  lease: Lease,
  words: readonly string[],
  times: RunTimes = runTimes(lease.ttl_s),
): Promise<number> {
  const environment = { ...process.env, KOOR_LEASE: lease.id, KOOR_FENCE: String(lease.fence) };
  let command: CommandProcess | string | undefined;
  const early: EndingSignal[] = [];
  const leaveSignals = takeSignals((signal) => {
    if (command instanceof CommandProcess) command.send(signal);
    else early.push(signal);
  });
  // Stopped by Ctrl-Z, this process would give no more signs of life, while the command goes on.
  process.on("SIGTSTP", ignore);
  try {
    command = await CommandProcess.start(words, environment);
    if (typeof command === "string") {
      note(`cannot start ${words[0] ?? ""}: ${command}`);
      await giveBack(settings, lease);
      return CANNOT_START_EXIT;
    }
    for (const signal of early) command.send(signal);
    const end = await untilEnd(settings, lease, command, times);
    if (!(end instanceof Loss && end.told)) await giveBack(settings, lease);
    if (end instanceof Loss) return LOST_EXIT;
    return end.signal === null ? (end.code ?? LOST_EXIT) : await exitCodeOfSignal(end.signal);
  } finally {
    process.off("SIGTSTP", ignore);
    leaveSignals();
  }
}

function ignore(): void {}
