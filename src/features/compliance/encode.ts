/** Encodes a compliance run as JSON for clients. Pure. Runs in any thread. */
import { formatTime } from "../../base/time.js";

/** A stored run. `violations` is JSON text; it is `[]` if the run passed. `run_at` is in ms. */
export interface RunRow {
  readonly id: number;
  readonly run_at: number;
  readonly instance: string;
  readonly project: string;
  readonly contract: string;
  readonly violations: string;
}

export const NO_VIOLATIONS = "[]";

/** Returns the JSON of a run. It is the same in every answer. */
export function encodeRun({ id, run_at, instance, project, contract, violations }: RunRow): string {
  const head = JSON.stringify({
    id,
    instance_id: instance,
    project,
    contract,
    pass: violations === NO_VIOLATIONS,
  }).slice(0, -1);
  return `${head},"violations":${violations},"run_at":"${formatTime(run_at)}"}`;
}
