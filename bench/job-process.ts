/**
 * Runs a child process that does one job after another. A job is one message to the child, and its result is one
 * message back. The load generators are such child processes, so that their CPU time never counts as the server's. The
 * bench process uses `JobProcess`, and the child uses `serveJobs`.
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

  get pid(): number {
    if (this.child.pid === undefined) throw new Error(`${this.#name} could not be started`);
    return this.child.pid;
  }

  /**
   * Sends a job and waits for its result. Rejects if the job fails, if the child ends before it has answered, or if no
   * answer has come `JOB_GRACE_MS` after the planned end of the job.
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
        // The child is our own program of the same build, so its result has the shape that belongs to the job.
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

/** Runs the parent's jobs one at a time. The process ends when the parent ends. */
export function serveJobs(work: (job: never) => unknown): void {
  process.on("message", (job) => {
    void answerJob(job, work);
  });
  process.on("disconnect", () => process.exit(0));
  // The terminal sends Ctrl-C to the whole process group. This process ignores it, because the bench process decides in
  // which order the processes end.
  process.on("SIGINT", () => undefined);
}

async function answerJob(job: unknown, work: (job: never) => unknown): Promise<void> {
  let answer: JobAnswer;
  try {
    // Only the bench process sends jobs, and it sends each program only the jobs of that program.
    answer = { result: await work(job as never) };
  } catch (error) {
    answer = { error: error instanceof Error ? error.message : String(error) };
  }
  if (process.connected) process.send?.(answer);
}
