/**
 * Finds current compliance violations from the history of runs: the newest run of an agent and a contract failed.
 * Inactive agents and deleted contracts are no longer checked, so their last run is ignored. Pure.
 */
import type { ComplianceRun } from "../../api/types.js";

export interface Violated {
  readonly run: ComplianceRun;
  /** When it began to fail, as far back as the history was read. */
  readonly since: string;
}

const pairOf = ({ instance_id, project, contract }: ComplianceRun): string =>
  JSON.stringify([instance_id, project, contract]);

/**
 * Returns the current violations.
 * @param runs newest first, as the API returns them
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
 * Whether the runs include the newest run of every agent and contract. A repeated pair shows that they cover one
 * complete check.
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
