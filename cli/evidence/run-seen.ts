/**
 * Implements `task run` and `ci run`, which run a command and record it. The record has the exit code, the end of the
 * output, and the hashes of the files before and after the run. The exit code of `koor` is always that of the command,
 * even if the record cannot be sent. Runs in the CLI process.
 */
import { traceparentIn, traceVariables } from "../trace-environment.js";
import { CLI_OUTPUT_LAG_MS } from "../../schemas/limits/cli.js";
import type { EvidenceBody, SeenBy } from "../../schemas/evidence.js";
import { commandOfWords } from "../../shared/command-text.js";
import { failureOf } from "../ask.js";
import { findCheckout } from "../checkout.js";
import { CANNOT_START_EXIT, LOST_EXIT, RELEASE_TIMEOUT_MS } from "../claim-run.js";
import { CommandProcess, type CommandEnd } from "../command-process.js";
import type { Args, CommandContext } from "../command-row.js";
import { CliFailure, wrongUsage } from "../failure.js";
import { io } from "../io.js";
import { isFailure } from "../outcome.js";
import { warn } from "../output.js";
import { captureSignals, exitCodeOfSignal, type EndingSignal } from "../signals.js";
import { OutputTail } from "./output-tail.js";
import { sendEvidence } from "./record.js";
import { type HashedTree, TreeHasher } from "./tree-hash.js";

interface RunCommand {
  readonly exitCode: number;
  readonly durationMs: number;
  readonly tail: string | null;
}

function ignore(): void {}

/**
 * Runs a command to its end. Forwards signals to it, copies its output, and keeps the end of the output. If stdout is a
 * terminal, the command writes to it directly, and nothing is kept. Returns undefined if the command cannot be started.
 */
async function runCommand(words: readonly string[]): Promise<RunCommand | undefined> {
  const tail = new OutputTail();
  const stdout = io().stdout();
  const takeOutput = (chunk: Buffer): void => {
    tail.take(chunk);
    stdout.write(chunk);
  };
  const streams = io().isTerminal() ? null : { input: null, takeOutput, takeErrors: tail.take };
  // Ignore the error. If the reader of stdout goes away (`| head`), this process must still send the record.
  if (streams !== null) stdout.on("error", ignore);
  let command: CommandProcess | string | undefined;
  const early: EndingSignal[] = [];
  const restoreSignals = captureSignals((signal) => {
    if (command instanceof CommandProcess) command.send(signal);
    else early.push(signal);
  });
  const startedMs = performance.now();
  try {
    const { environment } = io();
    const trace = traceparentIn(environment);
    const variables = trace === undefined ? {} : traceVariables(trace, environment);
    command = await CommandProcess.start(words, { ...environment, ...variables }, streams);
    if (typeof command === "string") {
      warn(`cannot start ${words[0] ?? ""}: ${command}`);
      return undefined;
    }
    for (const signal of early) command.send(signal);
    const end = await command.ended;
    const durationMs = Math.round(performance.now() - startedMs);
    if (streams !== null) await command.drained(CLI_OUTPUT_LAG_MS);
    return { exitCode: await exitCodeOf(end), durationMs, tail: tail.text() };
  } finally {
    restoreSignals();
  }
}

async function exitCodeOf({ code, signal }: CommandEnd): Promise<number> {
  return signal === null ? (code ?? LOST_EXIT) : await exitCodeOfSignal(signal);
}

/**
 * Hashes the files. If this fails, warns and returns null. The record then has no tree, so it does not count as
 * evidence for a task.
 */
function treeOf(hasher: TreeHasher): HashedTree | null {
  const hashed = hasher.hash();
  if (!(hashed instanceof CliFailure)) return hashed;
  warn(`the record has no tree: ${hashed.message}`);
  return null;
}

/** Runs a command, and hashes the files before and after it. */
async function runBetweenHashes(
  words: readonly string[],
  hasher: TreeHasher,
): Promise<{
  readonly before: HashedTree | null;
  readonly ran: RunCommand | undefined;
  readonly after: HashedTree | null;
}> {
  const before = treeOf(hasher);
  const ran = await runCommand(words);
  return { before, ran, after: before === null || ran === undefined ? null : treeOf(hasher) };
}

/**
 * Runs the command in the arguments, and sends a record of it.
 * @param seenBy the origin of the record
 */
export async function runSeen(
  args: Args,
  context: CommandContext,
  seenBy: Extract<SeenBy, "cli" | "ci">,
): Promise<number | CliFailure> {
  const { folder } = context;
  const words = args.list("command");
  const task = args.text("for") ?? (io().environment["KOOR_TASK"] || undefined);
  if (task === "") return wrongUsage("--for must not be empty");
  const settings = context.settings();
  if (settings instanceof CliFailure) return settings;
  const hasher = new TreeHasher(folder);
  const { before, ran, after } = await runBetweenHashes(words, hasher).finally(() => hasher.close());
  if (ran === undefined) return CANNOT_START_EXIT;
  const body: EvidenceBody = {
    command: commandOfWords(words),
    exit_code: ran.exitCode,
    duration_ms: ran.durationMs,
    ...(task === undefined ? {} : { task }),
    ...(before === null ? {} : { checkout: findCheckout(before.root, io().environment).id }),
    seen_by: seenBy,
    tree_before: before?.tree ?? null,
    tree_after: after?.tree ?? null,
    head: before?.head ?? null,
    tail: ran.tail,
  };
  const sent = await sendEvidence(settings, folder, body, {
    repeatable: true,
    answer_timeout_ms: RELEASE_TIMEOUT_MS,
  });
  if (isFailure(sent)) warn(`nothing was recorded: ${failureOf(sent).message}`);
  return ran.exitCode;
}
