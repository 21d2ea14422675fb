/**
 * Warns an agent that changes a file which another agent has leased. The agent is warned once for each file and lease.
 * The warning comes before the tool call, or after it if the client accepts no text before a call. Runs on the front.
 */
import { heldLine } from "./call-lines.js";
import type { DeniedPath } from "./decided-call.js";
import type { Obstacle } from "./denial.js";
import type { ReportedOnce } from "./reported-once.js";

export class HeldLines {
  readonly #reported: ReportedOnce;

  constructor(reported: ReportedOnce) {
    this.#reported = reported;
  }

  /** Returns the lines about leases that were not reported to an agent yet. The leases count as reported afterwards. */
  of(obstacles: Iterable<Obstacle>, agent: string): string[] {
    const lines: string[] = [];
    for (const obstacle of obstacles) {
      if (this.#reported.has(agent, thingOf(obstacle))) continue;
      this.record(obstacle, agent);
      lines.push(heldLine(obstacle));
    }
    return lines;
  }

  /** Records that an agent knows of a lease, because its client has shown the denial to the model as a warning. */
  record(denied: DeniedPath, agent: string): void {
    this.#reported.add(agent, thingOf(denied));
  }
}

function thingOf({ path, lease }: DeniedPath): string {
  return `held\0${lease ?? ""}\0${path}`;
}
