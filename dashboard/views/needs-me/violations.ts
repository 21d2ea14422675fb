/**
 * Finds current violations in the history of compliance runs. A violation is current if the newest run of its agent and
 * contract failed. Inactive agents and deleted contracts are ignored, because they are not checked any more. Pure.
 */
import type { ComplianceRun } from "../../api/types.js";

export interface Violated {
  readonly run: ComplianceRun;
  /**
   * The time of the first of the consecutive failed runs, in RFC 3339. Earlier runs may have failed, too, but were not
   * read.
   */
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
 * Returns whether the runs contain all runs of the newest check. A check makes one run for each pair of agent and
 * contract. So the newest check is complete as soon as a pair occurs twice.
 */
export function holdsOneCheck(runs: readonly ComplianceRun[]): boolean {
  return new Set(runs.map(pairOf)).size < runs.length;
}

/** Returns the violations that are still checked: violations by active agents, of existing contracts. */
export function stillChecked(
  violations: readonly Violated[],
  active: ReadonlySet<string>,
  /** The names of the existing specs, as `project/name`. */
  specs: ReadonlySet<string>,
): Violated[] {
  return violations.filter(
    ({ run: { instance_id, project, contract } }) => active.has(instance_id) && specs.has(`${project}/${contract}`),
  );
}
