/**
 * Implements `guard check`, which refuses a commit of files that another holder has leased. It runs as git's hook
 * `pre-commit` or by hand. Runs in the CLI process.
 */
import { CHECK_PATHS_MAX } from "../../schemas/limits/leases.js";
import { isJsonObject } from "../../shared/json-object.js";
import { shellQuote } from "../../shared/shell-quote.js";
import type { Args, CommandContext } from "../command-row.js";
import { CliFailure, wrongUsage } from "../failure.js";
import { io } from "../io.js";
import type { Lease } from "../lease-calls.js";
import { printAnswer, warn, wantsJson } from "../output.js";
import { commitsOf, readRange, stagedPaths } from "./commit-paths.js";
import { Away, awayFailure, callServer, findCaller, type GuardCaller } from "./guard-call.js";
import { isOff } from "./guard-off.js";
import { isLeasable } from "./leasable.js";
import { settleIdentity } from "./own-leases.js";
import { type Cover, coverOf, leaseResource } from "./path-cover.js";
import { findRepository, type Repository } from "./repository.js";

/** The maximum number of conflicts that are printed. */
const SHOWN_MAX = 20;

interface Conflict {
  readonly path: string;
  readonly lease: Lease;
}

interface CheckResult {
  readonly free: boolean;
  readonly conflicts: readonly Conflict[];
}

/** Lists the paths to check: those in the index, or those of the commits in `--range`. */
function pathsOf(repository: Repository, args: Args): string[] | CliFailure {
  const given = args.text("range");
  if (given !== undefined && args.has("staged")) return wrongUsage("--staged or --range, not both");
  if (given === undefined && repository.isBare)
    return wrongUsage("a bare repository has no index to check", "check commits with: --range A..B");
  if (given === undefined) return stagedPaths(repository);
  const range = readRange(repository, given);
  if (range instanceof CliFailure) return range;
  const commits = commitsOf(repository, range);
  return commits instanceof CliFailure ? commits : [...new Set(commits.flatMap(({ paths }) => paths))];
}

/**
 * Drops conflicts that concern no file. The server takes a path without an extension (`src/orders`) for a possible
 * directory, but all paths of git are files.
 */
function ofFiles(conflicts: readonly Conflict[]): Conflict[] {
  const covers = new Map<string, Cover>();
  return conflicts.filter(({ path, lease }) => {
    const cover = covers.get(lease.id) ?? coverOf(lease.resources);
    covers.set(lease.id, cover);
    return cover(path);
  });
}

/** Asks the server which of these paths other holders have leased. */
async function findConflicts(caller: GuardCaller, paths: readonly string[]): Promise<CheckResult | Away> {
  const { workspace, checkout } = caller;
  const away = await settleIdentity(caller);
  if (away !== undefined) return away;
  const conflicts: Conflict[] = [];
  for (let at = 0; at < paths.length; at += CHECK_PATHS_MAX) {
    const json = {
      paths: paths.slice(at, at + CHECK_PATHS_MAX),
      ...(workspace === null ? {} : { workspace }),
      ...(checkout === null ? {} : { checkout }),
    };
    const answer = await callServer(caller, "POST", "/api/leases/check", { asksOnly: true, json });
    if (answer instanceof Away) return answer;
    if (!isJsonObject(answer) || !Array.isArray(answer["conflicts"]))
      return new Away("the answer is not a check: is this a Koor server?");
    conflicts.push(...ofFiles(answer["conflicts"] as Conflict[]));
  }
  return { free: conflicts.length === 0, conflicts };
}

/** Prints to stderr the leases that prevent the commit, and how to proceed. */
function describe(conflicts: readonly Conflict[]): void {
  for (const { path, lease } of conflicts.slice(0, SHOWN_MAX)) {
    const until = lease.expires_at === null ? "" : ` until ${lease.expires_at}`;
    warn(`${path} is leased by ${lease.holder.name || lease.holder.id} (${lease.mode}, ${lease.id})${until}`);
  }
  if (conflicts.length > SHOWN_MAX) warn(`and ${conflicts.length - SHOWN_MAX} more`);
  const [first] = conflicts;
  if (first !== undefined) warn(`wait for it: koor wait --free ${shellQuote(leaseResource(first.path))} --timeout 90s`);
  warn("or commit without this check, which the audit log then records: KOOR_GUARD=off git commit");
}

async function report(result: CheckResult, context: CommandContext): Promise<CliFailure | undefined> {
  return wantsJson(context) ? await printAnswer(Buffer.from(JSON.stringify(result)), context) : undefined;
}

export async function check(args: Args, context: CommandContext): Promise<number | CliFailure> {
  const repository = findRepository(context.folder);
  if (repository instanceof CliFailure) return repository;
  const paths = pathsOf(repository, args);
  if (paths instanceof CliFailure) return paths;
  const nothing: CheckResult = { free: true, conflicts: [] };
  if (isOff(io().environment)) {
    warn("KOOR_GUARD=off: the guard does not check");
    return (await report(nothing, context)) ?? 0;
  }
  const checked = paths.filter(isLeasable);
  if (checked.length === 0) return (await report(nothing, context)) ?? 0;
  const caller = findCaller(repository, context);
  const result = caller instanceof Away ? caller : await findConflicts(caller, checked);
  if (result instanceof Away) {
    if (args.has("strict")) return awayFailure(result);
    warn(`${awayFailure(result).message}; nothing was checked`);
    return 0;
  }
  if (!result.free) describe(result.conflicts);
  return (await report(result, context)) ?? (result.free ? 0 : 1);
}
