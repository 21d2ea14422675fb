/**
 * Finds out whether commands, such as a test run, have passed on exactly the files of a commit. The server stores a
 * record of each run that the command line or CI has seen. Runs in the CLI process.
 */
import { isJsonObject } from "../../shared/json-object.js";
import { encodeQuery } from "../client.js";
import { Away, callServer, type GuardCaller } from "./guard-call.js";
import type { Judgement } from "./verdict.js";

/** The number of records that one call returns, newest first. */
const PAGE = 1_000;

/** The lowest level that a record needs to count as proof. */
export type ProofLevel = "observed" | "ci";

/**
 * Whether a record proves that its command passes on a tree: it exited with 0, and the files were those of the tree.
 */
function proves(record: unknown, tree: string): boolean {
  if (!isJsonObject(record)) return false;
  const { exit_code: exitCode, tree_before: before, tree_after: after } = record;
  return exitCode === 0 && before === tree && after === tree;
}

/**
 * Returns whether a record of this level proves that a command passes on a tree. Reads page after page until one record
 * does. So other records, which any agent may send, cannot hide the proof.
 */
async function isProven(
  caller: GuardCaller,
  tree: string,
  command: string,
  level: ProofLevel,
): Promise<boolean | Away> {
  for (let before = ""; ; ) {
    const query = { tree, command, level, limit: String(PAGE), ...(before === "" ? {} : { before }) };
    const answer = await callServer(caller, "GET", `/api/evidence${encodeQuery(query)}`);
    if (answer instanceof Away) return answer;
    if (!Array.isArray(answer)) return new Away("the answer is not a list of evidence: is this a Koor server?");
    if (answer.some((record: unknown) => proves(record, tree))) return true;
    const last: unknown = answer.at(-1);
    if (answer.length < PAGE || !isJsonObject(last)) return false;
    before = String(last["id"]);
  }
}

/**
 * Returns the commands that are not proved to pass on a tree.
 * @param level for `ci`, only records of CI count, because any agent can send records of the level `observed`
 */
export async function findUnproven(
  caller: GuardCaller,
  tree: string,
  commands: readonly string[],
  level: ProofLevel,
): Promise<string[] | Away> {
  const levels: readonly ProofLevel[] = level === "ci" ? ["ci"] : ["ci", "observed"];
  const unproven: string[] = [];
  for (const command of commands) {
    let found: boolean | Away = false;
    for (const one of levels) if (found === false) found = await isProven(caller, tree, command, one);
    if (found instanceof Away) return found;
    if (!found) unproven.push(command);
  }
  return unproven;
}

/**
 * Adds the commands without proof to a judgement. If there are any, the verdict becomes `unproven`; a violation stays a
 * violation.
 */
export function withUnproven(judgement: Judgement, unproven: readonly string[]): Judgement {
  const isProved = unproven.length === 0 || judgement.verdict === "violation";
  return { ...judgement, verdict: isProved ? judgement.verdict : "unproven", unproven };
}
