/**
 * Builds the two tables that all threads share: the RPC methods, and the push messages of the writer. The table of
 * methods has the methods that the modules listed here export. It has no methods of other modules.
 */
import { LEASES } from "./claims/claim-changes.js";
import { NODE_STATUS } from "./cluster/node-status.js";
import * as claims from "./claims/commands.js";
import * as agentMetrics from "./agent-metrics/commands.js";
import * as agentMetricsJobs from "./agent-metrics/jobs.js";
import * as audit from "./audit/commands.js";
import * as auditJobs from "./audit/jobs.js";
import * as backup from "./backup/commands.js";
import * as backupJobs from "./backup/jobs.js";
import * as backupStaging from "./backup/staging-jobs.js";
import * as compliance from "./compliance/commands.js";
import * as complianceJobs from "./compliance/jobs.js";
import * as contractJobs from "./contracts/jobs.js";
import * as events from "./events/commands.js";
import * as eventJobs from "./events/jobs.js";
import { EVENTS } from "./events/publisher.js";
import * as instances from "./instances/commands.js";
import { INSTANCES } from "./instances/push-messages.js";
import * as leases from "./leases/commands.js";
import * as leaseJobs from "./leases/jobs.js";
import { BOXES } from "./messages/box-writer.js";
import * as messages from "./messages/commands.js";
import * as messageJobs from "./messages/jobs.js";
import * as metrics from "./metrics/commands.js";
import { MethodTable } from "./rpc/method.js";
import * as rules from "./rules/commands.js";
import * as ruleJobs from "./rules/jobs.js";
import * as sessions from "./sessions/commands.js";
import { SESSIONS } from "./sessions/push-messages.js";
import * as specs from "./specs/commands.js";
import * as specJobs from "./specs/jobs.js";
import * as state from "./state/commands.js";
import * as stateJobs from "./state/jobs.js";
import { TASKS } from "./tasks/task-changes.js";
import * as tasks from "./tasks/commands.js";
import * as taskJobs from "./tasks/jobs.js";
import * as templates from "./templates/commands.js";
import * as templateJobs from "./templates/jobs.js";
import * as closeStore from "./threads/close-store.js";
import * as threadJobs from "./threads/jobs.js";
import { methodsIn } from "./threads/methods.js";
import { BUG, CHANGES, COMMIT, REMOTE_CHANGES } from "./threads/push-messages.js";
import * as usage from "./usage/commands.js";
import * as usageJobs from "./usage/jobs.js";
import { STATE_KEYS } from "./versioned/commands.js";
import * as webhooks from "./webhooks/commands.js";
import * as webhookJobs from "./webhooks/jobs.js";
import { OUTBOX } from "./outbox/outbox.js";

export const METHODS = new MethodTable(
  methodsIn(
    state,
    stateJobs,
    specs,
    specJobs,
    rules,
    ruleJobs,
    contractJobs,
    templates,
    templateJobs,
    compliance,
    complianceJobs,
    events,
    eventJobs,
    instances,
    claims,
    leases,
    leaseJobs,
    tasks,
    taskJobs,
    sessions,
    messages,
    messageJobs,
    webhooks,
    webhookJobs,
    usage,
    usageJobs,
    agentMetrics,
    agentMetricsJobs,
    audit,
    auditJobs,
    metrics,
    backup,
    backupJobs,
    backupStaging,
    closeStore,
    threadJobs,
  ),
);

/**
 * The push messages of the writer. The writer sends them before the replies of the same commit. Each key is the name of
 * the handler on the front.
 */
export const PUSH_MESSAGES = {
  remote_changes: REMOTE_CHANGES,
  node: NODE_STATUS,
  instances: INSTANCES,
  sessions: SESSIONS,
  events: EVENTS,
  outbox: OUTBOX,
  leases: LEASES,
  tasks: TASKS,
  state_keys: STATE_KEYS,
  message_boxes: BOXES,
  changes: CHANGES,
  commit: COMMIT,
  bug: BUG,
} as const;
