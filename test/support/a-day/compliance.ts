/**
 * The compliance runs of the day. In each of three rounds, the agents of the time were checked against the contracts of
 * their project. The newest round has the same results as a check of the restored server. Pure.
 */
import type { SnapshotLine } from "../snapshot.js";
import { CONTRACT_NAMES, violationsOf } from "./contracts.js";
import { HOUR_MS } from "./sampler.js";
import { type Journal, timeOf } from "./journal.js";
import type { Team } from "./team.js";

/** The time of each round, and how many of the now failing agents had failed in it. */
const ROUNDS: readonly (readonly [hoursAgo: number, failing: number])[] = [
  [12.4, 0],
  [6.4, 1],
  [0.4, 2],
];

export function complianceRecords(team: Team, journal: Journal, nowMs: number): SnapshotLine[] {
  let id = 0;
  return ROUNDS.flatMap(([hoursAgo, failing]) => {
    const atMs = nowMs - hoursAgo * HOUR_MS;
    const there = team.workers.filter((agent) => agent.activatedMs <= atMs && atMs <= agent.lastSeenMs);
    let failed = 0;
    return there.flatMap((agent) =>
      CONTRACT_NAMES.filter(({ project }) => project === agent.project).map(({ project, name }) => {
        const found = violationsOf(agent.name, name);
        const violations = found.length > 0 && failed < failing ? found : [];
        if (violations.length > 0) {
          failed += 1;
          const data = { instance_id: agent.id, project, contract: name, violations };
          journal.add(atMs, "compliance.violation", "compliance-scheduler", data);
        }
        id += 1;
        return {
          kind: "compliance_run",
          id,
          run_at: timeOf(atMs),
          instance_id: agent.id,
          project,
          contract: name,
          violations,
        };
      }),
    );
  });
}
