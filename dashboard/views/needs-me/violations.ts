/**
 * Which compliance violations there are now, by the history of the checks: the newest run of an agent and a contract
 * fails. An agent that is not active is not checked, nor is a contract that was deleted: their last run says nothing
 * any more. Pure.
 */
import type { ComplianceRun } from "../../api/types.js";

export interface Violated {
  readonly run: ComplianceRun;
  /** When it began to fail, as far back as the history was read. */
  readonly since: string;
}

const pairOf = ({ instance_id, project, contract }: ComplianceRun): string =>
  JSON.stringify([instance_id, project, contract]);

/** What fails. @param runs newest first, as the API gives them */
export function violated(runs: readonly ComplianceRun[]): Violated[] {
  const failing = new Map<string, Violated>();
  const settled = new Set<string>();
  for (const run of runs) {
    const pair = pairOf(run);
    if (settled.has(pair)) continue;
    if (run.pass) settled.add(pair);
    else failing.set(pair, { run: failing.get(pair)?.run ?? run, since: run.run_at });
  }
  return [...failing.values()];
}

/** Whether the newest run of each agent and contract is among these: a check has run over all of them once. */
export function holdsOneCheck(runs: readonly ComplianceRun[]): boolean {
  return new Set(runs.map(pairOf)).size < runs.length;
}

/** Those of them that are checked still. */
export function stillChecked(
  violations: readonly Violated[],
  active: ReadonlySet<string>,
  /** Names of specs, `project/name`. */
  specs: ReadonlySet<string>,
): Violated[] {
  return violations.filter(
    ({ run: { instance_id, project, contract } }) => active.has(instance_id) && specs.has(`${project}/${contract}`),
  );
}
