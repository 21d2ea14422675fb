/**
 * Implements `guard committed`, which git's hook `post-commit` runs. It releases the caller's automatic leases whose
 * files are now all the same as in HEAD. It also sends the radar's report. If the guard was off for the commit, the
 * server records this in the audit log. Runs in the CLI process.
 */
import { CLI_GUARD_TIMEOUT_MS, CLI_RADAR_COMMIT_MS } from "../../schemas/limits/cli.js";
import { STATUSES } from "../../schemas/status.js";
import { Refusal } from "../ask.js";
import type { CommandContext } from "../command-row.js";
import { CliFailure, failed } from "../failure.js";
import { io } from "../io.js";
import { releaseLease } from "../lease-calls.js";
import { isFailure } from "../outcome.js";
import { printAnswer, warn } from "../output.js";
import { makeReport, sendReport } from "../radar/report.js";
import type { Settings } from "../settings.js";
import { pathsOfHead, unlikeHead } from "./commit-paths.js";
import { findCommit } from "./git.js";
import { Away, awayFailure, findCaller, type GuardCaller } from "./guard-call.js";
import { isOff, reportOff } from "./guard-off.js";
import { type ListedLease, ownLeases } from "./own-leases.js";
import { coverOf, fileGlobsOf } from "./path-cover.js";
import { findRepository, type Repository } from "./repository.js";

/** Returns the automatic leases that apply in this checkout. An agent's hooks took them. */
function automaticLeases(leases: readonly ListedLease[], here: string | null): ListedLease[] {
  return leases.filter(({ automatic, checkout }) => automatic === true && (checkout === null || checkout === here));
}

/** Returns the leases whose files are all the same as in HEAD. */
function finishedLeases(leases: readonly ListedLease[], repository: Repository): ListedLease[] | CliFailure {
  if (leases.length === 0) return [];
  const globs = leases.flatMap(({ resources }) => fileGlobsOf(resources));
  const named = globs.map(({ literal }) => literal).filter((path) => path !== undefined);
  const changed = unlikeHead(repository, named);
  if (changed instanceof CliFailure) return changed;
  return leases.filter(({ resources }) => !changed.some(coverOf(resources)));
}

/** Returns settings for calls in the name of another instance. */
function actingAs({ server, cluster, token }: Settings, instance: string): Settings {
  return { server, ...(cluster === undefined ? {} : { cluster }), token, instance };
}

/**
 * Releases the leases one by one. Only the holder may release a lease, so the lease of a subagent is released in the
 * subagent's name. A lease that the server does not release expires by itself.
 */
async function releaseAll({ settings }: GuardCaller, leases: readonly ListedLease[]): Promise<string[]> {
  const limits = { answer_timeout_ms: CLI_GUARD_TIMEOUT_MS };
  const released: string[] = [];
  for (const { id, fence, holder } of leases) {
    let outcome = await releaseLease(settings, id, fence, limits);
    if (outcome instanceof Refusal && outcome.status === STATUSES.PERMISSION_DENIED.http)
      outcome = await releaseLease(actingAs(settings, holder.id), id, fence, limits);
    if (!isFailure(outcome)) released.push(id);
  }
  return released;
}

async function recordOff(repository: Repository, caller: GuardCaller): Promise<Away | CliFailure | undefined> {
  const commit = findCommit(repository.root, "HEAD");
  if (commit instanceof CliFailure) return commit;
  if (commit === undefined) return undefined;
  const paths = pathsOfHead(repository);
  return paths instanceof CliFailure ? paths : await reportOff(caller, commit, paths);
}

async function finish(repository: Repository, caller: GuardCaller): Promise<string[] | Away | CliFailure> {
  if (isOff(io().environment)) {
    const problem = await recordOff(repository, caller);
    if (problem !== undefined) return problem;
  }
  if (repository.isBare) return failed("a bare repository has no files");
  const leases = await ownLeases(caller);
  if (leases instanceof Away) return leases;
  const finished = finishedLeases(automaticLeases(leases, caller.checkout), repository);
  return finished instanceof CliFailure ? finished : await releaseAll(caller, finished);
}

/**
 * Sends the radar's report. If it cannot be made or sent quickly, it is dropped: the commit does not need it, and the
 * next report replaces it.
 */
async function reportToRadar(repository: Repository, { settings, workspace }: GuardCaller): Promise<void> {
  if (repository.isBare || workspace === null) return;
  const report = makeReport(repository, { workspace, base: undefined, warn: () => {} });
  if (!(report instanceof CliFailure)) await sendReport(settings, report, CLI_RADAR_COMMIT_MS);
}

export async function committed(context: CommandContext): Promise<number | CliFailure> {
  const repository = findRepository(context.folder);
  if (repository instanceof CliFailure) return repository;
  const caller = findCaller(repository, context);
  const released = caller instanceof Away ? caller : await finish(repository, caller);
  if (released instanceof CliFailure) return released;
  if (released instanceof Away) {
    warn(`${awayFailure(released).message}; nothing was released`);
    return 0;
  }
  if (!(caller instanceof Away)) await reportToRadar(repository, caller);
  return (await printAnswer(Buffer.from(JSON.stringify({ released })), context)) ?? 0;
}
