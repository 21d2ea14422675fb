/** Storing runs: the rows and the events of those that failed in one transaction. Runs in the writer. */
import type { ComplianceRecordReply, ComplianceRecordRequest } from "../../schemas/compliance.js";
import { COMPLIANCE_RUNS_KEPT_MAX } from "../../schemas/limits.js";
import type { WriteContext } from "../store/write-context.js";
import { NO_VIOLATIONS } from "./encode.js";

const TOPIC_VIOLATION = "compliance.violation";
const SOURCE = "compliance-scheduler";

export function recordCompliance(
  context: WriteContext,
  { project, runs }: ComplianceRecordRequest,
): ComplianceRecordReply {
  const { compliance, now_ms } = context;
  const first_id = compliance.next_id;
  for (const { instance_id, contract, violations } of runs) {
    compliance.append({ run_at: now_ms, instance: instance_id, project, contract, violations });
    if (violations === NO_VIOLATIONS) continue;
    const head = JSON.stringify({ instance_id, project, contract }).slice(0, -1);
    context.publish(TOPIC_VIOLATION, `${head},"violations":${violations}}`, SOURCE);
  }
  compliance.prune(COMPLIANCE_RUNS_KEPT_MAX);
  return { first_id, run_at: now_ms };
}
