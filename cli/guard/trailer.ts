/**
 * Implements `guard trailer`, which adds a line `Koor-Fence: N` to a commit message. It adds one for each of the
 * committer's leases that covers a path of the commit. git's hook `prepare-commit-msg` runs it. An empty message stays
 * empty, so that git stops the commit. If the user writes the message in an editor, the hook `commit-msg` runs it
 * again. Runs in the CLI process.
 */
import { resolve } from "node:path";

import type { Args, CommandContext } from "../command-row.js";
import { CliFailure, failed } from "../failure.js";
import { io } from "../io.js";
import { stagedPaths, TRAILER } from "./commit-paths.js";
import { lineOf, runGit } from "./git.js";
import { Away, findCaller } from "./guard-call.js";
import { isAmending } from "./amending.js";
import { type ListedLease, ownLeases } from "./own-leases.js";
import { coverOf } from "./path-cover.js";
import { trailerCommand } from "./trailer-command.js";
import { findRepository } from "./repository.js";
import { readRegularFile } from "../regular-file.js";
import { describeSystemError } from "../system-error.js";

/** The scissors line. git drops this line and everything below it. */
const SCISSORS = "------------------------ >8 ------------------------";

const MESSAGE_BYTES_MAX = 16 * 1024 * 1024;

/** Whether a lease applies in this checkout. A lease of the scope `checkout` applies only in its own checkout. */
function isAbout({ scope, checkout }: ListedLease, here: string | null): boolean {
  return scope === "repo" || checkout === here;
}

function readMessage(path: string): string | CliFailure {
  try {
    const bytes = readRegularFile({ path }, MESSAGE_BYTES_MAX);
    return Buffer.isBuffer(bytes)
      ? bytes.toString("utf8")
      : failed(`cannot read ${path}: ${bytes === undefined ? "no such file" : (bytes.why ?? "it is too large")}`);
  } catch (error) {
    return failed(`cannot read ${path}: ${describeSystemError(error)}`);
  }
}

/** Returns the characters that begin a comment line in a message, by default `#`. */
function commentMark(root: string): string | CliFailure {
  const configured = runGit(root, ["config", "--get", "core.commentChar"]);
  return configured instanceof CliFailure ? configured : (lineOf(configured) ?? "#");
}

/** Whether a message is empty: above the scissors line, it has only comments and blank lines. */
function isEmpty(file: string, mark: string): boolean | CliFailure {
  const text = readMessage(file);
  if (text instanceof CliFailure) return text;
  const [message = ""] = text.split(SCISSORS);
  return message.split("\n").every((line) => line.trim() === "" || line.startsWith(mark));
}

/** Adds the trailers that the message does not have yet. */
function addTrailers(root: string, file: string, values: readonly string[]): CliFailure | undefined {
  if (values.length === 0) return undefined;
  const mark = commentMark(root);
  if (mark instanceof CliFailure) return mark;
  const empty = isEmpty(file, mark);
  if (empty !== false) return empty === true ? undefined : empty;
  const words = ["-c", `core.commentChar=${mark}`, ...trailerCommand(values), "--in-place", file];
  // Load the module only when it is needed. With a static import, every command would load it.
  const { devNull } = process.getBuiltinModule("node:os");
  // Run git outside of any repository, because a repository's configuration may name programs for trailers.
  const result = runGit(root, words, {
    GIT_DIR: devNull,
    GIT_WORK_TREE: undefined,
    GIT_COMMON_DIR: undefined,
  });
  if (result instanceof CliFailure) return result;
  return result.isSuccess ? undefined : failed(`git cannot add the trailer: ${result.complaint}`);
}

/** Returns the fences that the message of HEAD names. */
function fencesOfHead(root: string): string[] {
  const words = ["log", "--max-count=1", `--format=%(trailers:key=${TRAILER},valueonly,separator=%x2C)`, "HEAD"];
  const result = runGit(root, ["-c", "trailer.separators=:", ...words, "--"]);
  const text = result instanceof CliFailure ? undefined : lineOf(result);
  return (text ?? "").split(",").filter((value) => /^[1-9]\d*$/.test(value));
}

export async function addFences(args: Args, context: CommandContext): Promise<number | CliFailure> {
  const repository = findRepository(context.folder);
  if (repository instanceof CliFailure) return repository;
  const amends = isAmending(repository.root, io().environment);
  const paths = stagedPaths(repository, amends);
  if (paths instanceof CliFailure) return paths;
  const kept = amends ? fencesOfHead(repository.root) : [];
  const caller = paths.length === 0 ? undefined : findCaller(repository, context);
  const leases = caller === undefined || caller instanceof Away ? [] : await ownLeases(caller);
  // If the server is away, print nothing. The hook `pre-commit` has already warned.
  const held = leases instanceof Away || caller === undefined || caller instanceof Away ? [] : leases;
  const here = caller === undefined || caller instanceof Away ? null : caller.checkout;
  const covering = held.filter((lease) => isAbout(lease, here) && paths.some(coverOf(lease.resources)));
  const fences = covering.map(({ fence }) => fence ?? 0).toSorted((a, b) => a - b);
  return (
    addTrailers(repository.root, resolve(context.folder, args.need("file")), [
      ...new Set([...kept, ...fences.map(String)]),
    ]) ?? 0
  );
}
