/**
 * Lands a branch, and with it other waiting branches (a batch). Rebases the branches in a scratch worktree, adds the
 * fence, runs the check, and pushes. If another client has pushed in the meantime, starts again on the new head. Runs
 * in the CLI process.
 */
import { CLI_LAND_ATTEMPTS_MAX } from "../../schemas/limits/cli.js";
import { failureOf } from "../ask.js";
import { CliFailure } from "../failure.js";
import { textOf } from "../json-items.js";
import type { Lease } from "../lease-calls.js";
import { isFailure } from "../outcome.js";
import { warn } from "../output.js";
import { findPassing, type Passing } from "./bisect.js";
import { runCheck } from "./check.js";
import { isAncestor } from "./git.js";
import { cancelTasks } from "./land-task.js";
import { findLanded, publish, readEvents, unfinishedPushes, type LandTopic, type LaneEvent } from "./land-events.js";
import type { LandPlan } from "./plan.js";
import { intentDataOf, makeReport, type LandReport, type Outcomes } from "./report.js";
import { removeDeadTrees, ScratchTree } from "./scratch-tree.js";
import { findMembers, stackMembers, type Stacked } from "./stack.js";
import type { Steps } from "./steps.js";
import type { Turn } from "./turn.js";

/** A branch of another waiting landing that has landed in this turn. */
export interface LandedMember {
  readonly report: LandReport;
  readonly holder: Lease["holder"];
}

export class Landing {
  readonly #plan: LandPlan;
  readonly #turn: Turn;
  readonly #steps: Steps;
  #attempts = 0;
  #events: readonly LaneEvent[] = [];
  #others: readonly LandedMember[] = [];
  #isUnknown = false;

  constructor(plan: LandPlan, turn: Turn, steps: Steps) {
    this.#plan = plan;
    this.#turn = turn;
    this.#steps = steps;
  }

  /** The branches of other landings that have landed in this turn. */
  get others(): readonly LandedMember[] {
    return this.#others;
  }

  /** Whether a push was sent and its result could not be found out. The next landing in the lane finds it out. */
  get isUnknown(): boolean {
    return this.#isUnknown;
  }

  /** Lands the branch and returns the report. Returns a failure if the landing ended without a result. */
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
    const { target, lane } = this.#plan;
    for (;;) {
      this.#steps.report(`getting the newest head of ${lane.into}`);
      const onto = await target.fetchHead(tree.folder);
      if (onto instanceof CliFailure) return onto;
      if (this.#attempts === 0) await this.#catchUp(tree, onto);
      this.#attempts += 1;
      const outcome = await this.#tryOnce(tree, onto);
      if (outcome !== "raced") return outcome;
      if (this.#attempts >= CLI_LAND_ATTEMPTS_MAX) return { result: "failed", reason: "raced", onto };
      this.#steps.report(`${lane.into} was moved by another client: starting again`);
    }
  }

  /**
   * Makes one attempt: rebases the branches, checks them, and pushes them. Returns "raced" if another client has
   * pushed.
   */
  async #tryOnce(tree: ScratchTree, onto: string): Promise<Outcomes | "raced" | CliFailure> {
    const { branch, head } = this.#plan;
    const { holder } = this.#turn.lease;
    const members = [{ branch, head, holder }, ...(await findMembers(this.#plan, tree.folder))];
    this.#steps.report(`rebasing ${members.map((member) => member.branch).join(", ")} on ${onto}`);
    const stack = await stackMembers(tree, onto, members, this.#turn);
    if (stack instanceof CliFailure) return stack;
    if ("kind" in stack) return { result: "conflict", onto, commit: stack.commit, files: stack.files };
    const [own] = stack;
    if (own === undefined) return this.#withoutCommits(onto);
    const facts = { onto, commit: own.commit, commits: own.commits };
    const found = await this.#check(tree, stack);
    if (found instanceof CliFailure) return found;
    const { count, failed } = found;
    if (count === 0)
      return {
        result: "failed",
        reason: "check",
        ...facts,
        exit_code: failed?.exitCode ?? null,
        log: failed?.log ?? [],
      };
    const outcome = await this.#push(tree.folder, onto, stack.slice(0, count));
    return typeof outcome === "string" || outcome instanceof CliFailure ? outcome : { ...facts, ...outcome };
  }

  /**
   * Returns the result for a branch that adds no commit to the target. Either an earlier turn landed it, or it is
   * empty.
   */
  #withoutCommits(onto: string): Outcomes {
    const { branch, head } = this.#plan;
    const landed = findLanded(this.#events, branch, head);
    if (landed === undefined) return { result: "nothing", onto, commits: 0 };
    const { onto: then, commit, commits, fence } = landed as unknown as LandReport;
    return { result: "landed", onto: then, commit, commits, fence };
  }

  /** Runs the check to find how many of the rebased branches pass it together. */
  async #check(tree: ScratchTree, stack: readonly Stacked[]): Promise<Passing | CliFailure> {
    const { check } = this.#plan;
    if (check === undefined) return { count: stack.length, failed: null };
    return await findPassing(stack.length, async (count) => {
      const tried = stack.slice(0, count);
      const commit = tried.at(-1)?.commit ?? "";
      this.#steps.report(`running the check on ${commit}: ${tried.map(({ branch }) => branch).join(", ")}`);
      const problem = await tree.reset(commit);
      return problem ?? (await runCheck(check, { folder: tree.folder, commit }, this.#turn.signal));
    });
  }

  /**
   * Publishes that it is about to push, confirms that the lease is still held, and pushes. Returns "raced" if another
   * client has pushed.
   */
  async #push(folder: string, onto: string, stack: readonly Stacked[]): Promise<Outcomes | "raced" | CliFailure> {
    const { settings, target } = this.#plan;
    const stopped = this.#turn.problem();
    if (stopped !== undefined) return stopped;
    const members = stack.map((member) => this.#memberReport(member, onto));
    const topic: LandTopic = "land.pushing";
    const intents = members.map(({ report, holder }) => ({ topic, data: intentDataOf(report, this.#plan, holder) }));
    const problem = (await publish(settings, ...intents)) ?? (await this.#turn.confirm());
    if (problem !== undefined) return problem;
    const commit = stack.at(-1)?.commit ?? "";
    this.#steps.report(`pushing ${commit}`);
    // No signal can stop the push, because then its result would be unknown.
    const pushed = await target.push(folder, { commit, onto });
    this.#isUnknown = pushed instanceof CliFailure;
    if (pushed instanceof CliFailure) return pushed;
    if (pushed.kind === "raced") return "raced";
    if (pushed.kind === "rejected") return { result: "failed", reason: "push", log: pushed.log };
    this.#others = stack.slice(1).map((member) => this.#memberReport(member, onto));
    return { result: "landed" };
  }

  /**
   * Publishes the results of earlier landings that were killed before they could publish them. A push has succeeded if
   * the target contains its commit.
   */
  async #catchUp(tree: ScratchTree, onto: string): Promise<void> {
    const { settings, lane } = this.#plan;
    const events = await readEvents(settings, lane);
    if (isFailure(events)) {
      warn(`the events of ${lane.name} could not be read: ${failureOf(events).message}`);
      return;
    }
    const published: LaneEvent[] = [];
    for (const push of unfinishedPushes(events, this.#turn.fence)) {
      const commit = textOf(push["commit"]);
      const branch = textOf(push["branch"]);
      const hasLanded = /^[0-9a-f]{40,64}$/.test(commit) && (await isAncestor(tree.folder, commit, onto));
      const topic: LandTopic = hasLanded ? "land.landed" : "land.failed";
      const result = hasLanded ? { result: "landed" } : { result: "failed", reason: "died" };
      const event = { topic, data: { ...push, ...result } };
      await publish(settings, event);
      published.push(event);
      if (hasLanded) await cancelTasks(settings, { lane, branch }, `landed as ${commit}`);
      this.#steps.report(`${branch} ${hasLanded ? "had landed" : "had not landed"}, which was not published`);
    }
    this.#events = [...published, ...events];
  }

  /** Makes the report about one branch that lands in this turn. */
  #memberReport({ branch, head, holder, commit, commits }: Stacked, onto: string): LandedMember {
    const own = branch === this.#plan.branch && head === this.#plan.head;
    const owner = own ? {} : { owner: holder.id };
    return { holder, report: this.#report({ result: "landed", branch, head, onto, commit, commits, ...owner }) };
  }

  #report(outcome: Outcomes): LandReport {
    return makeReport(this.#plan, this.#turn, { attempts: Math.max(1, this.#attempts), ...outcome });
  }
}
