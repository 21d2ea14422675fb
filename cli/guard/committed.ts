/**
 * Implements `guard committed`, which git's hook `post-commit` calls: releases the automatic leases of the caller whose
 * every path is now as in HEAD. If the commit was made without the guard, the audit log records that. Runs in the CLI
 * process.
 */
import { releaseLease } from "../lease-calls.js";
import { isFailure } from "../outcome.js";
import type { CommandContext } from "../command-row.js";
import { CliFailure, failed } from "../failure.js";
import { io } from "../io.js";
import { formatJson, print, warn } from "../output.js";
import { CLI_GUARD_TIMEOUT_MS } from "../../schemas/limits/cli.js";
import { pathsOfHead, unlikeHead } from "./commit-paths.js";
import { lineOf, runGit } from "./git.js";
import { Away, awayFailure, findCaller, type GuardCaller } from "./guard-call.js";
import { isOff, reportOff } from "./guard-off.js";
import { type ListedLease, ownLeases } from "./own-leases.js";
import { coverOf } from "./path-cover.js";
import { findRepository, type Repository } from "./repository.js";

/**
 * Returns the leases that the agent's hooks took and that are done with: no file that they cover differs from HEAD. A
 * lease with another resource than files was not taken by hooks.
 */
export function finishedLeases(leases: readonly ListedLease[], changed: readonly string[]): ListedLease[] {
  return leases.filter(({ automatic, resources }) => automatic === true && !changed.some(coverOf(resources)));
}

/** Releases the leases one by one. One that the server does not release ends by itself. */
async function releaseAll({ settings }: GuardCaller, leases: readonly ListedLease[]): Promise<string[]> {
  const released: string[] = [];
  for (const { id, fence } of leases) {
    const outcome = await releaseLease(settings, id, fence, { answer_timeout_ms: CLI_GUARD_TIMEOUT_MS });
    if (!isFailure(outcome)) released.push(id);
  }
  return released;
}

async function recordOff(repository: Repository, caller: GuardCaller): Promise<Away | CliFailure | undefined> {
  const head = runGit(repository.root, ["rev-parse", "--quiet", "--verify", "HEAD^{commit}"]);
  if (head instanceof CliFailure) return head;
  const commit = lineOf(head);
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
  if (!leases.some(({ automatic }) => automatic === true)) return [];
  const changed = unlikeHead(repository);
  return changed instanceof CliFailure ? changed : await releaseAll(caller, finishedLeases(leases, changed));
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
  return (await print(formatJson(Buffer.from(JSON.stringify({ released })), context.pretty))) ?? 0;
}
