/**
 * Stores compliance runs. The rows and the events about failed runs are stored in one transaction. Runs in the writer.
 */
import { ComplianceRecordReply, ComplianceRecordRequest } from "../../../schemas/compliance.js";
import type { ServerSource, ServerTopic } from "../../../schemas/events.js";
import { COMPLIANCE_RUNS_KEPT_MAX } from "../../../schemas/limits/compliance.js";
import { publisher } from "../events/publisher.js";
import { weightOf } from "../../platform/rpc/method.js";
import { changes, changesByModel, reportKeys } from "../../platform/threads/changes.js";
import { writerMethod } from "../../platform/threads/writer-method.js";
import { NO_VIOLATIONS } from "./encode.js";
import { complianceAppender } from "./table.js";

const TOPIC_VIOLATION = "compliance.violation" satisfies ServerTopic;
const SOURCE = "compliance-scheduler" satisfies ServerSource;

export const recordCompliance = writerMethod({
  name: "compliance.record",
  request: ComplianceRecordRequest,
  reply: ComplianceRecordReply,
  weight: weightOf,
  audit: null,
  changes: [
    changes("compliance", ({ runs }: ComplianceRecordRequest) =>
      reportKeys(runs.map(({ instance_id }) => instance_id)),
    ),
    changesByModel("event"),
  ],
  models: { compliance: complianceAppender, events: publisher },
  run: ({ compliance, events }, { project, runs }, call) => {
    const firstId = compliance.nextId;
    for (const { instance_id, contract, violations } of runs) {
      compliance.append({ run_at: call.nowMs, instance: instance_id, project, contract, violations });
      if (violations === NO_VIOLATIONS) continue;
      const head = JSON.stringify({ instance_id, project, contract }).slice(0, -1);
      const data = `${head},"violations":${violations}}`;
      events.publish({ topic: TOPIC_VIOLATION, data, source: SOURCE }, call);
    }
    compliance.prune(COMPLIANCE_RUNS_KEPT_MAX);
    return { first_id: firstId, run_at: call.nowMs };
  },
});
