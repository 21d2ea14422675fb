/**
 * Finds current violations in the history of compliance runs: those for which the newest run of an agent and a contract
 * failed. The last runs of inactive agents and deleted contracts are ignored, because these are not checked any more.
 * Pure.
 */
import type { ComplianceRun } from "../../api/types.js";

export interface Violated {
  readonly run: ComplianceRun;
  /** The time since which the runs fail, as far back as the history was read. */
  readonly since: string;
}

const pairOf = ({ instance_id, project, contract }: ComplianceRun): string =>
  JSON.stringify([instance_id, project, contract]);

/**
 * Returns the current violations.
 * @param runs the runs in the API's order, newest first
 */
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

/**
 * Whether the runs include the newest run of every agent and contract. This is certain once a pair of agent and
 * contract occurs twice, because one check covers each pair once.
 */
export function holdsOneCheck(runs: readonly ComplianceRun[]): boolean {
  return new Set(runs.map(pairOf)).size < runs.length;
}

/** Returns the violations that are still checked. */
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
