/**
 * Implements `guard verify`, which compares each commit of a range with the leases that were held when it was made.
 * Reads the history of leases and the audit log. Runs in the CLI process.
 */
import { LEASE_KEEP_MS } from "../../schemas/limits/leases.js";
import { normalizeCommand } from "../../shared/command-text.js";
import { isJsonObject } from "../../shared/json-object.js";
import { parseJson } from "../../shared/json-text.js";
import { encodeQuery } from "../client.js";
import type { Args, CommandContext } from "../command-row.js";
import { CliFailure, wrongUsage } from "../failure.js";
import { formatAnswer, print, warn, wantsJson } from "../output.js";
import { type CommitRecord, commitsOf, readRange } from "./commit-paths.js";
import { Away, awayFailure, callServer, findCaller, type GuardCaller } from "./guard-call.js";
import { LeaseHistory } from "./lease-history.js";
import { listLeases } from "./own-leases.js";
import { findRepository } from "./repository.js";
import { findUnproven, type ProofLevel, withUnproven } from "./proof.js";
import { judge, type Judgement, type PastRecords } from "./verdict.js";

const SECOND_MS = 1_000;
const DAY_MS = 86_400_000;
const LEASES_PAGE = 10_000;
const AUDIT_PAGE = 1_000;
/** The latest time that RFC 3339 can express. A time in git can be later. */
const TIME_MS_MAX = Date.UTC(9999, 11, 31, 23, 59, 59, 999);

interface Period {
  readonly fromMs: number;
  readonly toMs: number;
}

/**
 * Returns the period in which the commits were made. The server has no history before `sinceMs`, so the period does not
 * begin earlier.
 */
function periodOf(commits: readonly CommitRecord[], sinceMs: number): Period {
  const period = { fromMs: TIME_MS_MAX, toMs: sinceMs };
  for (const { authorS, committerS } of commits) {
    for (const second of [authorS, committerS]) {
      period.fromMs = Math.min(period.fromMs, Math.max(second * SECOND_MS, sinceMs));
      period.toMs = Math.max(period.toMs, Math.min((second + 1) * SECOND_MS, TIME_MS_MAX));
    }
  }
  return { fromMs: Math.min(period.fromMs, period.toMs), toMs: period.toMs };
}

function commitOf(entry: unknown, workspace: string): string | undefined {
  if (!isJsonObject(entry) || entry["resource"] !== workspace || entry["outcome"] !== "success") return undefined;
  const detail = parseJson(String(entry["detail"]));
  return isJsonObject(detail) && typeof detail["commit"] === "string" ? detail["commit"] : undefined;
}

/** Lists the ids of the commits that were made with the guard off, according to the audit log. */
async function listOff(caller: GuardCaller, oldestS: number): Promise<ReadonlySet<string> | Away> {
  const commits = new Set<string>();
  // Begin one day earlier, because the clocks of this machine and of the server may differ.
  const from = new Date(Math.max(0, Math.min(oldestS * SECOND_MS, TIME_MS_MAX) - DAY_MS)).toISOString();
  for (let before = ""; ; ) {
    const query = { action: "guard.off", from, limit: String(AUDIT_PAGE), ...(before === "" ? {} : { before }) };
    const answer = await callServer(caller, "GET", `/api/audit${encodeQuery(query)}`);
    if (answer instanceof Away) return answer;
    if (!Array.isArray(answer)) return new Away("the answer is not an audit log: is this a Koor server?");
    for (const entry of answer as unknown[]) {
      const commit = commitOf(entry, caller.workspace ?? "");
      if (commit !== undefined) commits.add(commit);
    }
    const last: unknown = answer.at(-1);
    if (!isJsonObject(last)) return commits;
    before = String(last["id"]);
  }
}

/**
 * Reads the server's records for the time of the commits: the history of leases, and the audit log. There must be at
 * least one commit.
 */
async function gather(caller: GuardCaller, commits: readonly CommitRecord[]): Promise<PastRecords | Away> {
  const sinceMs = Date.now() - LEASE_KEEP_MS;
  const { fromMs, toMs } = periodOf(commits, sinceMs);
  const leases = await listLeases(
    caller,
    {
      state: "all",
      workspace: caller.workspace ?? "",
      from: new Date(fromMs).toISOString(),
      to: new Date(toMs).toISOString(),
    },
    LEASES_PAGE,
  );
  if (leases instanceof Away) return leases;
  const off = await listOff(caller, Math.min(...commits.map(({ committerS }) => committerS)));
  return off instanceof Away ? off : { history: new LeaseHistory(leases), off, sinceMs };
}

interface Required {
  /** The commands that must have passed on the files of each commit. */
  readonly commands: readonly string[];
  readonly level: ProofLevel;
}

async function judgeAll(
  caller: GuardCaller | Away,
  commits: readonly CommitRecord[],
  { commands, level }: Required,
): Promise<readonly Judgement[] | Away> {
  if (caller instanceof Away) return caller;
  const records = await gather(caller, commits);
  if (records instanceof Away) return records;
  const judgements: Judgement[] = [];
  for (const commit of commits) {
    const unproven = await findUnproven(caller, commit.tree, commands, level);
    if (unproven instanceof Away) return unproven;
    const judgement = judge(commit, records);
    judgements.push(commands.length === 0 ? judgement : withUnproven(judgement, unproven));
  }
  return judgements;
}

/** Prints to stderr the commits without proof, and those that touched paths leased by other holders. */
function describe(judgements: readonly Judgement[]): void {
  for (const { commit, unproven = [] } of judgements)
    for (const command of unproven) warn(`${commit} was not seen to pass: ${command}`);
  for (const { commit, violations } of judgements)
    for (const { path, holder, lease_id } of violations)
      warn(`${commit} changed ${path}, which ${holder.name || holder.id} had leased (${lease_id})`);
}

function formatLines(judgements: readonly Judgement[]): Buffer {
  return Buffer.from(judgements.map(({ commit, verdict }) => `${commit} ${verdict}\n`).join(""));
}

/** Whether the command must exit with 1 because of this commit. */
function isBad({ verdict, unproven = [] }: Judgement): boolean {
  return verdict === "violation" || unproven.length > 0;
}

export async function verify(args: Args, context: CommandContext): Promise<number | CliFailure> {
  const repository = findRepository(context.folder);
  if (repository instanceof CliFailure) return repository;
  const range = readRange(repository, args.need("range"));
  if (range instanceof CliFailure) return range;
  const commits = commitsOf(repository, range);
  if (commits instanceof CliFailure) return commits;
  const commands = [...new Set(args.list("evidence").map(normalizeCommand))];
  if (commands.includes("")) return wrongUsage("--evidence must not be empty");
  const level = args.text("level") ?? "observed";
  if (level !== "observed" && level !== "ci") return wrongUsage("--level is observed or ci");
  const judgements =
    commits.length === 0 ? [] : await judgeAll(findCaller(repository, context), commits, { commands, level });
  if (judgements instanceof Away) return awayFailure(judgements);
  describe(judgements);
  const output = wantsJson(context)
    ? await formatAnswer(Buffer.from(JSON.stringify({ commits: judgements })), context)
    : formatLines(judgements);
  return (await print(output)) ?? (judgements.some(isBad) ? 1 : 0);
}
