/**
 * Summarizes compliance runs. It computes the newest results for each contract, and the time since which each violation
 * exists. Pure.
 */
import type { ComplianceRun } from "../../api/types.js";

/**
 * The compliance with one contract: how many agents were checked, and how many of them violate it. Only the newest run
 * of each agent counts.
 */
export interface Outcome {
  readonly checked: number;
  readonly broken: number;
  /** The time of the newest run that was counted, in RFC 3339. */
  readonly run_at: string;
}

/**
 * Returns the outcome of each contract, by the contract's name `P/N`. A contract is omitted if no active agent was
 * checked against it.
 * @param runs newest first
 */
export function outcomesOf(runs: readonly ComplianceRun[], active: ReadonlySet<string>): ReadonlyMap<string, Outcome> {
  const seen = new Set<string>();
  const outcomes = new Map<string, Outcome>();
  for (const { instance_id, project, contract, pass, run_at } of runs) {
    const name = `${project}/${contract}`;
    const pair = `${instance_id} ${name}`;
    if (seen.has(pair) || !active.has(instance_id)) continue;
    seen.add(pair);
    const before = outcomes.get(name) ?? { checked: 0, broken: 0, run_at };
    outcomes.set(name, {
      ...before,
      checked: before.checked + 1,
      broken: before.broken + (pass ? 0 : 1),
    });
  }
  return outcomes;
}

/** A violation that consecutive compliance runs of one agent have found. */
export interface Finding {
  readonly instance_id: string;
  readonly path: string;
  readonly message: string;
  /** The time of the first run that found the violation, in RFC 3339. `until` is the time of the last one. */
  readonly since: string;
  readonly until: string;
  /** Whether the agent's newest run found the violation. */
  readonly now: boolean;
}

interface Growing extends Omit<Finding, "since" | "now"> {
  since: string;
  now: boolean;
  /**
   * Whether the last examined run of the agent found the violation. If so, the next older run may move `since` further
   * into the past.
   */
  open: boolean;
}

/**
 * Returns the violations of one contract. Current violations come first, then those that were found most recently.
 * @param runs the runs of this contract, newest first
 */
export function findingsOf(runs: readonly ComplianceRun[]): Finding[] {
  const found: Growing[] = [];
  const byAgent = new Map<string, Map<string, Growing>>();
  for (const { instance_id, violations, run_at } of runs) {
    const newest = !byAgent.has(instance_id);
    const ofAgent = byAgent.get(instance_id) ?? new Map<string, Growing>();
    byAgent.set(instance_id, ofAgent);
    const here = new Set<string>();
    for (const { path, message } of violations) {
      const key = JSON.stringify([path, message]);
      if (here.has(key)) continue;
      here.add(key);
      const later = ofAgent.get(key);
      if (later?.open === true) later.since = run_at;
      else {
        const finding = { instance_id, path, message, since: run_at, until: run_at, now: newest, open: true };
        ofAgent.set(key, finding);
        found.push(finding);
      }
    }
    for (const [key, finding] of ofAgent) finding.open &&= here.has(key);
  }
  return found
    .map(({ open: _open, ...finding }) => finding)
    .toSorted((a, b) => Number(b.now) - Number(a.now) || Date.parse(b.until) - Date.parse(a.until));
}
