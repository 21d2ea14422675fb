/**
 * Lands one branch in its turn: rebases it in a scratch worktree, adds the fence, runs the check, and pushes. If another
 * client pushes meanwhile, begins again on the new head. Runs in the CLI process.
 */
import { CLI_LAND_ATTEMPTS_MAX } from "../../schemas/limits/cli.js";
import { failureOf } from "../ask.js";
import { CliFailure } from "../failure.js";
import { textOf } from "../json-items.js";
import { isFailure } from "../outcome.js";
import { warn } from "../output.js";
import { runCheck } from "./check.js";
import { addFence } from "./fence-trailer.js";
import { isAncestor } from "./git.js";
import { cancelTasks } from "./land-task.js";
import { publish, readEvents, unfinishedPushes } from "./land-events.js";
import type { LandPlan } from "./plan.js";
import { rebase } from "./rebase.js";
import { intentDataOf, makeReport, type LandReport, type Outcomes } from "./report.js";
import { removeDeadTrees, ScratchTree } from "./scratch-tree.js";
import type { Steps } from "./steps.js";
import type { Turn } from "./turn.js";

export class Landing {
  readonly #plan: LandPlan;
  readonly #turn: Turn;
  readonly #steps: Steps;
  #attempts = 0;

  constructor(plan: LandPlan, turn: Turn, steps: Steps) {
    this.#plan = plan;
    this.#turn = turn;
    this.#steps = steps;
  }

  /** Lands the branch. Returns a failure if it cannot be said whether the branch could land. */
  async run(): Promise<LandReport | CliFailure> {
    const { repository, head, target } = this.#plan;
    await removeDeadTrees(repository.root);
    const refusal = await target.refuse();
    if (refusal !== undefined) return refusal;
    const tree = await ScratchTree.make(repository.root, head, this.#turn.signal);
    if (tree instanceof CliFailure) return this.#turn.problem() ?? tree;
    try {
      const outcome = await this.#tryAll(tree);
      return outcome instanceof CliFailure ? (this.#turn.problem() ?? outcome) : this.#report(outcome);
    } finally {
      await tree.remove();
    }
  }

  async #tryAll(tree: ScratchTree): Promise<Outcomes | CliFailure> {
    let onto = "";
    for (;;) {
      if (this.#attempts > 0) {
        const problem = await tree.reset(this.#plan.head);
        if (problem !== undefined) return problem;
      }
      this.#steps.report(`getting the newest head of ${this.#plan.lane.into}`);
      const fetched = await this.#plan.target.fetchHead(tree.folder);
      if (fetched instanceof CliFailure) return fetched;
      onto = fetched;
      if (this.#attempts === 0) await this.#catchUp(tree, onto);
      this.#attempts += 1;
      const outcome = await this.#tryOnce(tree.folder, onto);
      if (outcome !== "raced") return outcome;
      if (this.#attempts >= CLI_LAND_ATTEMPTS_MAX) return { result: "failed", reason: "raced", onto };
      this.#steps.report(`${this.#plan.lane.into} was moved by another client: beginning again`);
    }
  }

  /** Rebases, checks and pushes once. */
  async #tryOnce(folder: string, onto: string): Promise<Outcomes | "raced" | CliFailure> {
    const { check, target, branch } = this.#plan;
    const { signal, fence } = this.#turn;
    this.#steps.report(`rebasing ${branch} on ${onto}`);
    const rebased = await rebase(folder, onto, signal);
    if (rebased instanceof CliFailure) return rebased;
    if (rebased.kind === "conflict") return { result: "conflict", onto, commit: rebased.commit, files: rebased.files };
    const { commits } = rebased;
    if (commits === 0) return { result: "nothing", onto, commits };
    const commit = await addFence(folder, { onto, head: rebased.head, fence });
    if (commit instanceof CliFailure) return commit;
    const facts = { onto, commit, commits };
    if (check !== undefined) {
      this.#steps.report(`running the check on ${commit}`);
      const checked = await runCheck(check, { folder, commit }, signal);
      if (checked instanceof CliFailure) return checked;
      const { exitCode: exit_code, log } = checked;
      if (exit_code !== 0) return { result: "failed", reason: "check", ...facts, exit_code, log };
    }
    const problem = await this.#announce(facts);
    if (problem !== undefined) return problem;
    this.#steps.report(`pushing ${commit}`);
    // No signal ends a push that has begun, so that its result is known.
    const pushed = await target.push(folder, { commit, onto });
    if (pushed instanceof CliFailure) return pushed;
    if (pushed.kind === "raced") return "raced";
    if (pushed.kind === "rejected") return { result: "failed", reason: "push", ...facts, log: pushed.log };
    return { result: "landed", ...facts };
  }

  /** Publishes the intent to push, and makes sure that the lease is still held. */
  async #announce(facts: Pick<LandReport, "onto" | "commit" | "commits">): Promise<CliFailure | undefined> {
    const stopped = this.#turn.problem();
    if (stopped !== undefined) return stopped;
    const data = intentDataOf(this.#report({ result: "landed", ...facts }), this.#plan, this.#turn);
    const problem = await publish(this.#plan.settings, "land.pushing", data);
    return problem ?? (await this.#turn.confirm());
  }

  /** Publishes the results that killed landings of the lane did not publish. */
  async #catchUp(tree: ScratchTree, onto: string): Promise<void> {
    const { settings, lane } = this.#plan;
    const events = await readEvents(settings, lane);
    if (isFailure(events)) {
      warn(`the events of ${lane.name} could not be read: ${failureOf(events).message}`);
      return;
    }
    for (const push of unfinishedPushes(events, this.#turn.fence)) {
      const commit = textOf(push["commit"]);
      const branch = textOf(push["branch"]);
      const hasLanded = /^[0-9a-f]{40,64}$/.test(commit) && (await isAncestor(tree.folder, commit, onto));
      const result = hasLanded ? { result: "landed" } : { result: "failed", reason: "died" };
      await publish(settings, hasLanded ? "land.landed" : "land.failed", { ...push, ...result });
      if (hasLanded) await cancelTasks(settings, { lane, branch }, `landed as ${commit}`);
      this.#steps.report(`${branch} ${hasLanded ? "had landed" : "had not landed"}, which was not published`);
    }
  }

  #report(outcome: Outcomes): LandReport {
    return makeReport(this.#plan, this.#turn, { attempts: Math.max(1, this.#attempts), ...outcome });
  }
}
