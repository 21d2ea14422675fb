/**
 * Checks each active instance against the contracts of its workspace, at an interval and on request. A check runs in
 * the pool in steps of a few milliseconds, one at a time, so a large check delays no other request. The results of each
 * step are stored at once. Runs on the front as a background task.
 */
import { COMPLIANCE_ANSWER_CHARACTERS_MAX, COMPLIANCE_PAIRS_MAX } from "../../../schemas/limits/compliance.js";
import { CONTRACT_DEADLINE_MS } from "../../../schemas/limits/contracts.js";
import { Periodic } from "../../platform/background/periodic.js";
import type { BackgroundTask } from "../../platform/background/task.js";
import { assert, must } from "../../base/assert.js";
import type { Log } from "../../base/log.js";
import { Failure } from "../../base/result.js";
import { NO_CALLER } from "../../platform/rpc/frames.js";
import type { ReplyOf } from "../../platform/rpc/method.js";
import { type Pool, THE_SERVER } from "../../platform/threads/pool.js";
import type { Writer } from "../../platform/threads/writer.js";
import { recordCompliance } from "./commands.js";
import { encodeRun, NO_VIOLATIONS } from "./encode.js";
import { checkCompliance, complianceContracts } from "./jobs.js";

/** The members of an active instance that a check needs. */
export interface CheckedInstance {
  readonly id: string;
  readonly name: string;
  readonly workspace: string;
}

export interface ComplianceOptions {
  /** Returns the active instances in pages, so that a large number of instances delays no other work. */
  readonly instances: () => AsyncIterable<readonly CheckedInstance[]>;
  readonly pool: Pick<Pool, "run">;
  readonly writer: Pick<Writer, "request">;
  readonly log: Log;
  readonly intervalMs: number;
  readonly nowMs: number;
}

/**
 * The result of one check. `count` is the number of all runs. `runs` has the JSON texts of as many runs as fit into an
 * answer.
 */
export interface ComplianceResult {
  readonly runs: readonly string[];
  readonly count: number;
}

interface Pair {
  readonly instance: CheckedInstance;
  readonly contract: string;
}

const STOPPING = new Failure("UNAVAILABLE", "the server is shutting down");
/** The failures of a job that are caused by its input. Other failures mean that the pool is busy. */
const JOB_FAILURES: ReadonlySet<Failure["status"]> = new Set(["DEADLINE_EXCEEDED", "INTERNAL"]);
const TOO_SLOW = JSON.stringify([
  { path: "contract", message: `the check did not end within ${CONTRACT_DEADLINE_MS / 1000} seconds` },
]);

/** A stored run, with its JSON text. */
interface StoredRun {
  readonly text: string;
  readonly pass: boolean;
}

export class ComplianceMonitor implements BackgroundTask {
  readonly #options: ComplianceOptions;
  readonly #checks: Periodic<ComplianceResult | Failure>;

  constructor(options: ComplianceOptions) {
    this.#options = options;
    const { intervalMs, nowMs } = options;
    this.#checks = new Periodic({ intervalMs, nowMs, work: () => this.#check() });
  }

  tick(nowMs: number): void {
    this.#checks.tick(nowMs);
  }

  /**
   * Starts a check. If a check is running, the new one starts after it, because the running one may miss the newest
   * changes.
   */
  check(): Promise<ComplianceResult | Failure> {
    return this.#checks.run();
  }

  /** Ends the running check when its current step is done. */
  close(): Promise<void> {
    return this.#checks.close();
  }

  async #check(): Promise<ComplianceResult | Failure> {
    const { log } = this.#options;
    const runs: string[] = [];
    let count = 0;
    let failed = 0;
    let characters = 0;
    for await (const step of this.#runs()) {
      if (step instanceof Failure) {
        log.warn("compliance check aborted", { reason: step.message, runs: count });
        return step;
      }
      count += 1;
      if (!step.pass) failed += 1;
      characters += step.text.length;
      if (characters <= COMPLIANCE_ANSWER_CHARACTERS_MAX) runs.push(step.text);
    }
    if (count > 0) log.info("compliance checked", { runs: count, with_violations: failed });
    return { runs, count };
  }

  /**
   * Runs a check in steps. Each step checks some pairs, stores their runs, and yields the stored runs. A Failure ends
   * the check.
   */
  async *#runs(): AsyncGenerator<StoredRun | Failure, void, undefined> {
    for (const [project, instances] of await this.#byWorkspace()) {
      const contracts = await this.#contractsOf(project);
      if (contracts instanceof Failure) {
        yield contracts;
        return;
      }
      const pairs = contracts.length * instances.length;
      for (let at = 0; at < pairs; ) {
        const checked = await this.#step(project, pairsFrom(contracts, instances, at));
        if (checked instanceof Failure) {
          yield checked;
          return;
        }
        at += checked.length;
        yield* checked;
      }
    }
  }

  async #byWorkspace(): Promise<Map<string, CheckedInstance[]>> {
    const groups = new Map<string, CheckedInstance[]>();
    for await (const page of this.#options.instances()) {
      for (const instance of page) {
        if (instance.workspace === "") continue;
        const group = groups.get(instance.workspace);
        if (group === undefined) groups.set(instance.workspace, [instance]);
        else group.push(instance);
      }
    }
    return groups;
  }

  async #contractsOf(project: string): Promise<readonly string[] | Failure> {
    const contracts: string[] = [];
    for (let after: string | null = ""; after !== null; ) {
      if (this.#checks.closed) return STOPPING;
      const step: ReplyOf<typeof complianceContracts> | Failure = await this.#options.pool.run(
        complianceContracts,
        { project, after },
        { caller: THE_SERVER },
      );
      if (step instanceof Failure) return step;
      contracts.push(...step.contracts);
      after = step.next;
    }
    return contracts;
  }

  /** Checks the first pairs and stores their runs. As many pairs are checked as fit into one step, at least one. */
  async #step(project: string, pairs: readonly Pair[]): Promise<readonly StoredRun[] | Failure> {
    const violations = await this.#violationsOf(project, pairs);
    if (violations instanceof Failure) return violations;
    assert(violations.length > 0 && violations.length <= pairs.length, "a step checks at least one pair");
    const checked = violations.map((text, at) => {
      const { instance, contract } = must(pairs[at], "there are as many pairs");
      return { instance_id: instance.id, contract, violations: text };
    });
    const stored = await this.#options.writer.request(recordCompliance, { project, runs: checked }, NO_CALLER);
    if (stored instanceof Failure) return stored;
    return checked.map(({ instance_id, contract, violations: text }, at) => ({
      text: encodeRun({
        id: stored.first_id + at,
        run_at: stored.run_at,
        instance: instance_id,
        project,
        contract,
        violations: text,
      }),
      pass: text === NO_VIOLATIONS,
    }));
  }

  /**
   * Returns the violations of the first pairs as JSON texts. If the job fails for all pairs together, the first pair is
   * checked alone. If that pair fails too, its only violation says that it is too slow. The other pairs are checked in
   * the next step.
   */
  async #violationsOf(project: string, pairs: readonly Pair[]): Promise<readonly string[] | Failure> {
    for (const some of [pairs, pairs.slice(0, 1)]) {
      if (this.#checks.closed) return STOPPING;
      const request = { project, pairs: some.map(({ contract, instance }) => ({ contract, instance: instance.name })) };
      const answer = await this.#options.pool.run(checkCompliance, request, { caller: THE_SERVER });
      if (!(answer instanceof Failure)) return answer.violations;
      if (!JOB_FAILURES.has(answer.status)) return answer;
    }
    return this.#checks.closed ? STOPPING : [TOO_SLOW];
  }
}

/**
 * Returns the pairs of one step. The pairs of all steps together may need too much memory. All instances are paired
 * with one contract before the next contract, so that its compiled schemas are used again.
 * @param from the number of pairs before the first one of this step
 */
function pairsFrom(contracts: readonly string[], instances: readonly CheckedInstance[], from: number): Pair[] {
  const pairs: Pair[] = [];
  const end = Math.min(from + COMPLIANCE_PAIRS_MAX, contracts.length * instances.length);
  for (let at = from; at < end; at++) {
    const contract = must(contracts[Math.floor(at / instances.length)], "a pair has a contract");
    pairs.push({ contract, instance: must(instances[at % instances.length], "a pair has an instance") });
  }
  return pairs;
}
