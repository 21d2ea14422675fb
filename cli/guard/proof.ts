/**
 * Finds out whether commands have passed on exactly the files of a commit. The server has a record of each run that the
 * command line or CI has seen. Runs in the CLI process.
 */
import { isJsonObject } from "../../shared/json-object.js";
import { encodeQuery } from "../client.js";
import { Away, callServer, type GuardCaller } from "./guard-call.js";
import type { Judgement } from "./verdict.js";

/** The number of records per call. The server returns the newest records of a tree and a command. */
const PAGE = 1_000;

/** The lowest level of the records that prove something. */
export type ProofLevel = "observed" | "ci";

/** Whether a record proves that its command passes on a tree. */
function proves(record: unknown, tree: string): boolean {
  if (!isJsonObject(record)) return false;
  const { exit_code: exitCode, tree_before: before, tree_after: after } = record;
  return exitCode === 0 && before === tree && after === tree;
}

/**
 * Returns whether a record of one level proves that a command passes on a tree. Asks for the records page by page until
 * one proves it, so that other records, which any agent may send, cannot hide it.
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
 * Returns the commands for which no record proves that they pass on a tree.
 * @param level if it is `ci`, only records of CI count, because any agent can send observed records
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
    let isFound = false;
    for (const one of levels) {
      const found: boolean | Away = isFound || (await isProven(caller, tree, command, one));
      if (found instanceof Away) return found;
      isFound = found;
    }
    if (!isFound) unproven.push(command);
  }
  return unproven;
}

/** Adds the commands without proof to a judgement. The verdict becomes `unproven`, unless it is a violation. */
export function withUnproven(judgement: Judgement, unproven: readonly string[]): Judgement {
  const isProved = unproven.length === 0 || judgement.verdict === "violation";
  return { ...judgement, verdict: isProved ? judgement.verdict : "unproven", unproven };
}
