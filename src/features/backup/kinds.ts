/**
 * Lists all kinds of records, in the order in which a snapshot has them. Together they cover all data of Koor. Each
 * table of the database belongs to a kind, or LEFT_OUT lists it with a reason. A test compares both with the
 * migrations.
 */
import { DATABASE } from "../../platform/threads/model.js";
import { specReader, stateReader } from "../versioned/table.js";
import type { Kind } from "./kind.js";
import { AGENT_SESSION_KIND } from "./kinds/agent-session.js";
import { AGENT_METRIC_KIND } from "./kinds/agent-metric.js";
import { AUDIT_KIND } from "./kinds/audit.js";
import { BUDGET_KIND } from "./kinds/budget.js";
import { RATE_LIMIT_KIND } from "./kinds/rate-limit.js";
import { COMPLIANCE_RUN_KIND } from "./kinds/compliance-run.js";
import { EVIDENCE_KIND } from "./kinds/evidence.js";
import { EVENT_KIND } from "./kinds/event.js";
import { INSTANCE_KIND } from "./kinds/instance.js";
import { CLAIM_COUNTER_KIND, LEASE_KIND } from "./kinds/lease.js";
import { MESSAGE_BOX_KIND, MESSAGE_KIND } from "./kinds/message.js";
import { RULE_KIND } from "./kinds/rule.js";
import { SPEC_KIND } from "./kinds/spec.js";
import { STATE_KIND } from "./kinds/state.js";
import {
  TASK_AFTER_KIND,
  TASK_EVIDENCE_KIND,
  TASK_HISTORY_KIND,
  TASK_KIND,
  TASK_LIFE_KIND,
  TASK_TEXT_KIND,
} from "./kinds/task.js";
import { TEMPLATE_KIND } from "./kinds/template.js";
import { USAGE_KIND } from "./kinds/usage.js";
import { WEBHOOK_KIND } from "./kinds/webhook.js";

/** The models that the kinds read from. */
export const SNAPSHOT_MODELS = { db: DATABASE, state: stateReader, specs: specReader };

export const KINDS: readonly Kind[] = [
  STATE_KIND,
  SPEC_KIND,
  RULE_KIND,
  TEMPLATE_KIND,
  WEBHOOK_KIND,
  INSTANCE_KIND,
  AGENT_SESSION_KIND,
  LEASE_KIND,
  CLAIM_COUNTER_KIND,
  TASK_KIND,
  TASK_LIFE_KIND,
  TASK_TEXT_KIND,
  TASK_EVIDENCE_KIND,
  TASK_AFTER_KIND,
  TASK_HISTORY_KIND,
  EVIDENCE_KIND,
  MESSAGE_KIND,
  MESSAGE_BOX_KIND,
  EVENT_KIND,
  AUDIT_KIND,
  USAGE_KIND,
  BUDGET_KIND,
  RATE_LIMIT_KIND,
  AGENT_METRIC_KIND,
  COMPLIANCE_RUN_KIND,
];

/** The tables that no snapshot contains, each with the reason. */
export const LEFT_OUT: Readonly<Record<string, string>> = {
  audit_span: "the positions of an actor's and an action's rows in the log are derived from the rows",
  remembered_request: "a lost answer is requested again within minutes, at the same server",
  agent_metric_flush: "the counts that a running server has stored already; a restored one starts again",
  session: "a log-in is valid at one server with its token: a copy would be valid at another one",
  webhook_queue: "the old server delivers its queue: a copy would be delivered twice",
  webhook_body: "the bodies of queued deliveries",
  webhook_dead_letter: "the old server keeps its dead letters, as it keeps its queue",
  webhook_delivery: "the latest attempts of the old server: the restored one starts its own log",
  radar_report: "a checkout reports again with its next command or commit, and a report ends half an hour later anyway",
  radar_files: "the files of the reports, which are left out",
  time_step: "the places where times go back are derived from the rows",
  log_position: "the position that a node has applied of its cluster's log: a restored server is a single server",
  cluster_node: "the nodes of a cluster: a restored server is not one of them",
  data_directory: "the identity of the data directory: a restored one has another",
};
