/**
 * Implements `radar report`, which sends the changes of a checkout since its base commit to the server. Runs in the CLI
 * process.
 */
import { isJsonObject } from "../../shared/json-object.js";
import { parseJson } from "../../shared/json-text.js";
import { ask, failureOf, type Refusal } from "../ask.js";
import { findCheckout } from "../checkout.js";
import type { Args, CommandContext } from "../command-row.js";
import { CliFailure, failed, wrongUsage } from "../failure.js";
import { findRepository, treeOf, type Repository } from "../guard/repository.js";
import { JSON_TYPE } from "../input.js";
import { io } from "../io.js";
import { isFailure } from "../outcome.js";
import { printAnswer, warn } from "../output.js";
import type { Settings } from "../settings.js";
import { findWorkspace } from "../workspace-name.js";
import { findBase } from "./base-commit.js";
import { listChangedFiles } from "./changed-files.js";
import { withoutPrograms } from "./git-programs.js";

/** A report that is ready to be sent. */
export interface RadarReport {
  readonly checkout: string;
  readonly files: number;
  readonly body: Buffer;
}

export interface ReportOptions {
  readonly workspace: string;
  /** The value of `--base`; undefined if it is not given. */
  readonly base: string | undefined;
  /** Called with a line for the user. */
  readonly warn: (line: string) => void;
}

/** Computes the report of a repository's working tree. */
export function makeReport(
  repository: Repository,
  { workspace, base: given, warn: onWarning }: ReportOptions,
): RadarReport | CliFailure {
  const { root } = repository;
  const plain = withoutPrograms(root);
  if (plain instanceof CliFailure) return plain;
  const base = findBase(repository, given, onWarning);
  if (base instanceof CliFailure) return base;
  const changed = listChangedFiles({ root, plain, warn: onWarning }, base.id);
  if (changed instanceof CliFailure) return changed;
  const { files, total } = changed;
  if (total > files.length) onWarning(`${total} files differ: only the first ${files.length} are reported`);
  const { id: checkout, branch } = findCheckout(root, io().environment);
  const json = {
    workspace,
    ...(branch === null ? {} : { branch }),
    ...(base.isCommit ? { base: base.id } : {}),
    files,
  };
  return { checkout, files: files.length, body: Buffer.from(JSON.stringify(json)) };
}

/**
 * Sends a report. Returns the server's answer, to which the number of files is added.
 * @param timeoutMs the time limit for the answer; undefined means the usual limit
 */
export async function sendReport(
  settings: Settings,
  { checkout, files, body }: RadarReport,
  timeoutMs?: number,
): Promise<Buffer | Refusal | CliFailure> {
  const answer = await ask(settings, {
    method: "PUT",
    path: `/api/checkouts/${checkout}/changes`,
    headers: JSON_TYPE,
    body,
    repeatable: true,
    ...(timeoutMs === undefined ? {} : { answer_timeout_ms: timeoutMs, signal: AbortSignal.timeout(timeoutMs) }),
  });
  if (isFailure(answer)) return answer;
  const parsed = parseJson(answer.body.toString("utf8"));
  if (!isJsonObject(parsed) || !Array.isArray(parsed["overlaps"]))
    return failed("the answer has no overlaps: is this a Koor server?");
  const { overlaps, truncated } = parsed;
  return Buffer.from(JSON.stringify({ checkout, files, overlaps, truncated }));
}

export async function report(args: Args, context: CommandContext): Promise<number | CliFailure> {
  const repository = findRepository(context.folder);
  if (repository instanceof CliFailure) return repository;
  if (repository.isBare) return wrongUsage("a bare repository has no files that could differ");
  const workspace = findWorkspace(repository.root, io().environment, args.text("workspace"), treeOf(repository));
  if (workspace instanceof CliFailure) return workspace;
  if (workspace.name === null) return wrongUsage("the workspace is not known: use --workspace");
  const made = makeReport(repository, { workspace: workspace.name, base: args.text("base"), warn });
  if (made instanceof CliFailure) return made;
  const settings = context.settings();
  if (settings instanceof CliFailure) return settings;
  const answer = await sendReport(settings, made);
  return isFailure(answer) ? failureOf(answer) : ((await printAnswer(answer, context)) ?? 0);
}
