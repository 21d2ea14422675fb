/**
 * Works on tasks one after the other: claims a task, runs a command for it, and reports the command's result.
 * task-wait.ts claims tasks, claim-run.ts runs commands, and task-result.ts makes the results. Runs in the CLI process.
 */
import { traceVariables } from "./trace-environment.js";
import { claimSpan, formatTraceparent } from "../shared/trace-context.js";
import { hashOf } from "./content-hash.js";
import { isJsonObject } from "../shared/json-object.js";
import { memberTexts, parseJson } from "../shared/json-text.js";
import { failureOf, RetryDeadline, Refusal } from "./ask.js";
import { CANNOT_START_EXIT, LOST_EXIT, RELEASE_TIMEOUT_MS, runTimes, runUnderClaim } from "./claim-run.js";
import type { HeldClaim, RunResult, RunTimes, Stop } from "./claim-run.js";
import { CliFailure } from "./failure.js";
import { io } from "./io.js";
import { quoted } from "./json-text.js";
import type { CallLimits } from "./lease-calls.js";
import { isFailure } from "./outcome.js";
import { print, warn } from "./output.js";
import type { Settings } from "./settings.js";
import { exitCodeOfSignal, captureSignals, type EndingSignal } from "./signals.js";
import { sendTaskAction, type ClaimRequest, type HolderAction, type Task, type ClaimAnswer } from "./task-calls.js";
import { waitForTask } from "./task-wait.js";
import { CommandOutput } from "./task-result.js";

/** The statuses by which the server says that this instance does not hold the task any more. */
const NOT_HELD: ReadonlySet<number> = new Set([403, 404, 409]);

export interface WorkOptions {
  readonly request: ClaimRequest;
  /** The command that runs for each task. */
  readonly words: readonly string[];
  /** Whether to work on one task only. */
  readonly once: boolean;
  /** The time to wait for each next task, in ms. The work ends if no task is ready within this time. */
  readonly waitMs: number;
  /** Formats the JSON of a task as one line, or indented with `--pretty`. */
  readonly format: (json: Buffer) => Buffer;
  /** The times that control heartbeats and the command's end. By default they follow from the claim's ttl. */
  readonly times?: RunTimes;
}

/** A claimed task, with the fence of the claim. */
interface HeldTask {
  readonly task: Task;
  readonly fence: number;
}

/** The report on a task, which is sent after its command has ended. */
interface TaskReport {
  readonly action: Exclude<HolderAction, "progress" | "ask">;
  readonly members: Readonly<Record<string, string | undefined>>;
}

/**
 * Sends a heartbeat for a claimed task. Returns a `Stop` if the command must be terminated. Otherwise returns whether
 * the server has answered.
 */
async function sendHeartbeat(settings: Settings, held: HeldTask, limits: CallLimits): Promise<Stop | boolean> {
  const { task, fence } = held;
  const sent = await sendTaskAction(settings, { id: task.id, fence }, "progress", {}, limits);
  if (sent instanceof Refusal)
    return NOT_HELD.has(sent.status) ? { kind: "lost", description: "is not held any more" } : false;
  if (sent instanceof CliFailure) return false;
  const isCanceled = memberTexts(sent.toString("utf8"))?.get("cancel_requested") === "true";
  return isCanceled ? { kind: "canceled", description: "is canceled" } : true;
}

function release(why: string): TaskReport {
  return { action: "release", members: { note: quoted(why) } };
}

/**
 * Makes the report on a task. Returns null if the claim was lost, because another instance may already hold the task.
 */
function makeReport(
  ran: RunResult,
  output: CommandOutput,
  [program = ""]: readonly string[],
  by?: EndingSignal,
): TaskReport | null {
  if (ran.kind === "not_started") return release(`cannot start ${program}: ${ran.why}`);
  if (ran.kind === "stopped" && ran.stop.kind === "lost") return null;
  if (ran.kind === "stopped" && ran.stop.kind === "timed_out") return release("the server did not answer");
  if (ran.end.code === 0) return { action: "complete", members: { result: output.result() } };
  if (ran.kind === "stopped") return release("canceled");
  if (by !== undefined) return release(`stopped by ${by}`);
  return { action: "fail", members: { error: quoted(output.error(ran.end)) } };
}

/** Completes a report. If the task requires evidence and is done, adds the hash of the folder's tree. */
async function withTree(report: TaskReport, { requires_evidence = [] }: Partial<Task>): Promise<TaskReport> {
  if (report.action !== "complete" || requires_evidence.length === 0) return report;
  const { treeMember } = await import("./evidence/task-tree.js");
  return { ...report, members: { ...report.members, tree: treeMember(io().folder) } };
}

/** Returns the text about missing evidence; undefined unless the server refused the report because of it. */
function missingEvidence(sent: unknown): string | undefined {
  if (!(sent instanceof Refusal)) return undefined;
  const body = parseJson(sent.failure.detail);
  const missing: unknown = isJsonObject(body) ? body["missing"] : undefined;
  if (!Array.isArray(missing)) return undefined;
  const parts = missing.map((one: unknown) =>
    isJsonObject(one) ? `${String(one["command"])} (${String(one["why"])})` : "",
  );
  return `evidence missing: ${parts.join(", ")}`;
}

/** Returns the exit code for one task. */
async function exitCodeOf(ran: RunResult): Promise<number> {
  if (ran.kind === "not_started") return CANNOT_START_EXIT;
  const { code, signal } = ran.end;
  // If the task was canceled but its command succeeded, the task is done, and the exit code is 0.
  if (ran.kind === "stopped") return ran.stop.kind === "canceled" && code === 0 ? 0 : LOST_EXIT;
  return signal === null ? (code ?? LOST_EXIT) : await exitCodeOfSignal(signal);
}

class Worker {
  readonly #settings: Settings;
  readonly #options: WorkOptions;
  readonly #stop = new AbortController();
  readonly #deadline: RetryDeadline;
  #stoppedBy: EndingSignal | undefined;
  /** The ids of the tasks whose last attempt failed. They are collected only if they decide the exit code. */
  readonly #undone = new Set<string>();

  constructor(settings: Settings, options: WorkOptions) {
    this.#settings = settings;
    this.#options = options;
    this.#deadline = new RetryDeadline({ waitMs: undefined, signal: this.#stop.signal });
  }

  async run(): Promise<number | CliFailure> {
    const restoreSignals = captureSignals((signal) => {
      this.#stoppedBy ??= signal;
      this.#stop.abort();
    });
    try {
      const end = await this.#work();
      return this.#stoppedBy === undefined ? end : await exitCodeOfSignal(this.#stoppedBy);
    } finally {
      restoreSignals();
    }
  }

  async #work(): Promise<number | CliFailure> {
    const { once, waitMs } = this.#options;
    // The first call is not repeated. Only after an answer is it known that a server exists, and may be restarting
    // later.
    const now = await this.#claim(0, new RetryDeadline({ waitMs: 0, signal: this.#stop.signal }));
    const isEmpty = !(now instanceof CliFailure) && now.task === null;
    let claimed = isEmpty && waitMs > 0 ? await this.#claim(waitMs, this.#deadline) : now;
    for (;;) {
      if (claimed instanceof CliFailure) return claimed;
      if (claimed.task === null) return this.#undone.size === 0 ? 0 : LOST_EXIT;
      const { ran, code } = await this.#workOn(claimed.task, claimed.text);
      // The same command runs for every task. If it cannot be started for one, it cannot be started for the next.
      if (ran.kind === "not_started" || once || this.#stop.signal.aborted) return code;
      claimed = await this.#claim(waitMs, this.#deadline);
    }
  }

  async #claim(waitMs: number, deadline: RetryDeadline): Promise<ClaimAnswer | CliFailure> {
    const { signal } = this.#stop;
    return await waitForTask(this.#settings, this.#options.request, { waitMs, deadline, signal });
  }

  /** Runs the command for a held task. */
  async #workOn(task: Task, text: string): Promise<{ readonly ran: RunResult; readonly code: number }> {
    const { words, waitMs, request } = this.#options;
    const held = { task, fence: task.fence ?? 0 };
    const output = new CommandOutput();
    const streams = { input: `${text}\n`, takeOutput: output.takeOutput, takeErrors: output.takeErrors };
    const times = this.#options.times ?? runTimes(request.ttl_s ?? task.ttl_s);
    const ran = await runUnderClaim(this.#settings, this.#asClaim(held), words, times, streams);
    const report = makeReport(ran, output, words, this.#stoppedBy);
    const isAccepted = report === null || (await this.#report(held, await withTree(report, task)));
    const ended = await exitCodeOf(ran);
    const code = ended === 0 && !isAccepted ? LOST_EXIT : ended;
    if (code === 0) this.#undone.delete(task.id);
    else if (Number.isFinite(waitMs)) this.#undone.add(task.id);
    return { ran, code };
  }

  #asClaim(held: HeldTask): HeldClaim {
    const { task, fence } = held;
    return {
      name: `the task ${task.id}`,
      // The command gets the fence of the task. A lease of this process is removed from the command's environment,
      // because the fence of the lease is another one.
      environment: {
        KOOR_TASK: task.id,
        KOOR_FENCE: String(fence),
        KOOR_LEASE: undefined,
        ...traceVariables(formatTraceparent(claimSpan(task, fence, hashOf)), io().environment),
      },
      sendHeartbeat: async (limits) => await sendHeartbeat(this.#settings, held, limits),
    };
  }

  /**
   * Sends a report and repeats it until the server answers. Meanwhile the claim is safe on the server's disk. After a
   * stop signal, sends it only once, so that the process ends soon. If evidence is missing, reports the task as failed
   * and returns false.
   */
  async #report(held: HeldTask, { action, members }: TaskReport): Promise<boolean> {
    const { task, fence } = held;
    const { signal } = this.#stop;
    const limits = { answer_timeout_ms: RELEASE_TIMEOUT_MS };
    const send = async () => await sendTaskAction(this.#settings, { id: task.id, fence }, action, members, limits);
    const sent = await (signal.aborted ? send() : this.#deadline.untilAnswered(send));
    const missing = action === "complete" ? missingEvidence(sent) : undefined;
    if (missing !== undefined) {
      await this.#report(held, { action: "fail", members: { error: quoted(missing) } });
      return false;
    }
    if (isFailure(sent)) warn(`the task ${task.id} did not accept ${action}: ${failureOf(sent).message}`);
    else await print(this.#options.format(sent));
    return true;
  }
}

/** Works on tasks until a signal stops the work, or until no task is ready within `waitMs`. Returns the exit code. */
export async function workOnTasks(settings: Settings, options: WorkOptions): Promise<number | CliFailure> {
  return await new Worker(settings, options).run();
}
