/**
 * Runs a child process that does one job after another: a job is one message, and its result is one message. The load
 * generators run this way, so that their CPU time is never counted as the server's. `JobProcess` is the bench process's
 * side, `serveJobs` the child's.
 */
import type { ChildProcess } from "node:child_process";
import { JOB_GRACE_MS } from "./settings.js";

interface JobAnswer {
  readonly result?: unknown;
  readonly error?: string;
}

export class JobProcess {
  readonly child: ChildProcess;
  readonly #name: string;

  constructor(child: ChildProcess, name: string) {
    this.child = child;
    this.#name = name;
  }

  /** The child's process id. */
  get pid(): number {
    if (this.child.pid === undefined) throw new Error(`${this.#name} could not be started`);
    return this.child.pid;
  }

  /**
   * Sends a job and waits for its result. Rejects when the job fails, when the child ends before it has
   * answered, or `JOB_GRACE_MS` after the job should have ended.
   */
  run<Result>(job: { readonly kind: string; readonly duration_ms?: number }): Promise<Result> {
    return new Promise<Result>((resolve, reject) => {
      const patienceMs = (job.duration_ms ?? 0) + JOB_GRACE_MS;
      const settle = (): void => {
        clearTimeout(timer);
        this.child.off("message", onMessage);
        this.child.off("exit", onExit);
      };
      const onExit = (): void => {
        settle();
        reject(new Error(`${this.#name} ended during ${job.kind}`));
      };
      const onMessage = (answer: JobAnswer): void => {
        settle();
        // The child is our own program of the same build: its result has the shape that its job names.
        if (answer.error === undefined) resolve(answer.result as Result);
        else reject(new Error(`${this.#name}: ${answer.error}`));
      };
      const timer = setTimeout(() => {
        settle();
        reject(new Error(`${this.#name} did not finish ${job.kind} in ${patienceMs} ms`));
      }, patienceMs);
      this.child.on("message", onMessage);
      this.child.on("exit", onExit);
      if (!this.child.connected) onExit();
      else this.child.send(job);
    });
  }
}

/** Answers the parent's jobs one at a time, and ends with the parent. */
export function serveJobs(work: (job: never) => unknown): void {
  process.on("message", (job) => {
    void answerJob(job, work);
  });
  process.on("disconnect", () => process.exit(0));
  // Ctrl-C reaches the whole group; the bench process decides what ends when.
  process.on("SIGINT", () => undefined);
}

async function answerJob(job: unknown, work: (job: never) => unknown): Promise<void> {
  let answer: JobAnswer;
  try {
    // Only the bench process sends jobs, and it sends to each program what that program takes.
    answer = { result: await work(job as never) };
  } catch (error) {
    answer = { error: error instanceof Error ? error.message : String(error) };
  }
  if (process.connected) process.send?.(answer);
}
