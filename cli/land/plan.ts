/**
 * Collects the facts about a landing from the command line and the repository: the branch, the target, and the instance
 * that lands it. Sends nothing to the remote or the server. Runs in the CLI process.
 */
import { CLI_LEASE_RUN_TTL_S } from "../../schemas/limits/cli.js";
import type { Args, CommandContext } from "../command-row.js";
import { wholeSeconds } from "../duration.js";
import { CliFailure, wrongUsage } from "../failure.js";
import { findRepository, treeOf, type Repository } from "../guard/repository.js";
import { io } from "../io.js";
import type { Settings } from "../settings.js";
import { findWorkspace } from "../workspace-name.js";
import { findCommit, gitText, gitWithoutHooks } from "./git.js";
import { makeLane, type Lane } from "./lane.js";
import { LocalTarget } from "./local-target.js";
import { RemoteTarget } from "./remote-target.js";
import type { Target } from "./target.js";

const INTO = "main";
const ORIGIN = "origin";

/** The lane that the command line names, and the identity of the caller. */
export interface LanePlan {
  readonly settings: Settings;
  readonly repository: Repository;
  readonly lane: Lane;
}

export interface LandPlan extends LanePlan {
  readonly branch: string;
  /** The head of the branch when the command was called. */
  readonly head: string;
  readonly target: Target;
  readonly check: string | undefined;
  /** The maximum number of branches that land in one turn. With 1, only the own branch lands. */
  readonly batch: number;
  /** The id or the name of the agent that gets the task of a failed landing. Undefined means the calling agent. */
  readonly owner: string | undefined;
  readonly waitMs: number;
  readonly ttlS: number;
}

/** Reads the lane. Its name consists of the workspace and the target branch. */
export function readLane(args: Args, context: CommandContext): LanePlan | CliFailure {
  const repository = findRepository(context.folder);
  if (repository instanceof CliFailure) return repository;
  const workspace = findWorkspace(repository.root, io().environment, undefined, treeOf(repository));
  if (workspace instanceof CliFailure) return workspace;
  const into = args.text("into") ?? INTO;
  if (into === "") return wrongUsage("--into must not be empty");
  const settings = context.settings();
  if (settings instanceof CliFailure) return settings;
  return { settings, repository, lane: makeLane(workspace.name, into) };
}

async function readBranch(root: string, args: Args): Promise<string | CliFailure> {
  const given = args.text("branch");
  if (given !== undefined) return given === "" ? wrongUsage("<branch> must not be empty") : given;
  const run = await gitWithoutHooks(root, ["symbolic-ref", "--quiet", "--short", "HEAD"]);
  if (run instanceof CliFailure) return run;
  return run.isSuccess ? run.text : wrongUsage("HEAD is detached: name the branch to land");
}

/**
 * Returns the target of the landing. It is the branch on the remote. If there is no remote, it is the branch of this
 * repository.
 */
async function findTarget(root: string, args: Args, into: string): Promise<Target | CliFailure> {
  const named = args.text("remote");
  const remotes = await gitText(root, ["remote"], "list remotes");
  if (typeof remotes !== "string") return remotes;
  const known = remotes.split("\n");
  const remote = named ?? ORIGIN;
  if (known.includes(remote)) return new RemoteTarget(remote, into);
  return named === undefined ? new LocalTarget(root, into) : wrongUsage(`there is no remote ${named}`);
}

/** Reads everything that a landing needs. */
export async function readPlan(args: Args, context: CommandContext): Promise<LandPlan | CliFailure> {
  const lane = readLane(args, context);
  if (lane instanceof CliFailure) return lane;
  const { root } = lane.repository;
  const { into } = lane.lane;
  const branch = await readBranch(root, args);
  if (branch instanceof CliFailure) return branch;
  if (branch === into) return wrongUsage(`${branch} cannot be landed into itself`, "name the branch, or --into");
  const head = await findCommit(root, `refs/heads/${branch}`);
  if (head instanceof CliFailure) return head;
  if (head === undefined) return wrongUsage(`there is no branch ${branch} here`);
  const target = await findTarget(root, args, into);
  if (target instanceof CliFailure) return target;
  const check = args.text("check");
  if (check?.trim() === "") return wrongUsage("--check must not be empty");
  return {
    ...lane,
    branch,
    head,
    target,
    check,
    batch: Math.max(1, Number(args.text("batch") ?? 1)),
    owner: args.text("owner"),
    waitMs: args.duration("wait") ?? Number.POSITIVE_INFINITY,
    ttlS: wholeSeconds(args.duration("ttl")) ?? CLI_LEASE_RUN_TTL_S,
  };
}
