/**
 * Finds out whether commands have passed on exactly the files of a commit. The server has a record of each run that the
 * command line or CI has seen. Runs in the CLI process.
 */
import { isJsonObject } from "../../shared/json-object.js";
import { encodeQuery } from "../client.js";
import { Away, callServer, type GuardCaller } from "./guard-call.js";
import type { Judgement } from "./verdict.js";

/** The number of records per call. The server returns the newest records of a tree and a command. */
const RECORDS = 1_000;

/**
 * Whether a record proves that its command passes on a tree. A record proves nothing if only the agent says that the
 * command has run.
 */
function proves(record: unknown, tree: string): boolean {
  if (!isJsonObject(record)) return false;
  const { level, exit_code: exitCode, tree_before: before, tree_after: after } = record;
  return level !== "said" && exitCode === 0 && before === tree && after === tree;
}

/** Returns the commands for which no record proves that they pass on a tree. */
export async function findUnproven(
  caller: GuardCaller,
  tree: string,
  commands: readonly string[],
): Promise<string[] | Away> {
  const unproven: string[] = [];
  for (const command of commands) {
    const query = encodeQuery({ tree, command, limit: String(RECORDS) });
    const answer = await callServer(caller, "GET", `/api/evidence${query}`);
    if (answer instanceof Away) return answer;
    if (!Array.isArray(answer)) return new Away("the answer is no list of evidence: is this a Koor server?");
    if (!answer.some((record: unknown) => proves(record, tree))) unproven.push(command);
  }
  return unproven;
}

/** Adds the commands without proof to a judgement. The verdict becomes `unproven`, unless it is a violation. */
export function withUnproven(judgement: Judgement, unproven: readonly string[]): Judgement {
  const isProved = unproven.length === 0 || judgement.verdict === "violation";
  return { ...judgement, verdict: isProved ? judgement.verdict : "unproven", unproven };
}
