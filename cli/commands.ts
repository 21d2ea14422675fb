/**
 * The command table, by topic. Each noun has a file of rows. `serve` is listed only for the help, because koor.ts
 * passes its arguments directly to the server. Runs in the CLI process.
 */
import type { CommandRow } from "./command-row.js";
import { AUDIT_COMMANDS } from "./commands/audit.js";
import { BACKUP_COMMANDS } from "./commands/backup.js";
import { BUDGET_COMMANDS } from "./commands/budget.js";
import { CHANGES_COMMANDS } from "./commands/changes.js";
import { CLUSTER_COMMANDS } from "./commands/cluster.js";
import { CONFIG_COMMANDS } from "./commands/config.js";
import { COMPLIANCE_COMMANDS } from "./commands/compliance.js";
import { COMPLETION_COMMANDS } from "./commands/completion.js";
import { CONTEXT_COMMANDS } from "./commands/context.js";
import { CONTRACT_COMMANDS } from "./commands/contract.js";
import { DOCTOR_COMMANDS } from "./commands/doctor.js";
import { EVENTS_COMMANDS } from "./commands/events.js";
import { CI_COMMANDS, EVIDENCE_COMMANDS } from "./commands/evidence.js";
import { GUARD_COMMANDS } from "./commands/guard.js";
import { HOOKS_COMMANDS } from "./commands/hooks.js";
import { LLM_COMMANDS } from "./commands/llm.js";
import { INIT_COMMANDS } from "./commands/init.js";
import { RADAR_COMMANDS } from "./commands/radar.js";
import { RULES_COMMANDS } from "./commands/rules.js";
import { INSTANCES_COMMANDS } from "./commands/instances.js";
import { MESSAGE_COMMANDS } from "./commands/message.js";
import { LAND_COMMANDS } from "./commands/land.js";
import { LEASES_COMMANDS } from "./commands/leases.js";
import { METRICS_COMMANDS } from "./commands/metrics.js";
import { MCP_COMMANDS } from "./commands/mcp.js";
import { SERVE_COMMANDS } from "./commands/serve.js";
import { SPECS_COMMANDS } from "./commands/specs.js";
import { STATE_COMMANDS } from "./commands/state.js";
import { STATUS_COMMANDS } from "./commands/status.js";
import { STORY_COMMANDS } from "./commands/story.js";
import { TOP_COMMANDS } from "./commands/top.js";
import { WAIT_COMMANDS } from "./commands/wait.js";
import { WEBHOOKS_COMMANDS } from "./commands/webhooks.js";
import { TASKS_COMMANDS } from "./commands/tasks.js";
import { TEMPLATES_COMMANDS } from "./commands/templates.js";
import { WHOAMI_COMMANDS } from "./commands/whoami.js";

/** A group of commands that the help shows together. */
export interface Topic {
  /** The name of the topic in the overview of the help: one or two words. */
  readonly name: string;
  readonly rows: readonly CommandRow[];
}

export const TOPICS: readonly Topic[] = [
  { name: "values", rows: [...STATE_COMMANDS, ...SPECS_COMMANDS] },
  { name: "events", rows: [...EVENTS_COMMANDS, ...CHANGES_COMMANDS, ...WEBHOOKS_COMMANDS] },
  {
    name: "agents",
    rows: [...INSTANCES_COMMANDS, ...TASKS_COMMANDS, ...LEASES_COMMANDS, ...MESSAGE_COMMANDS, ...WAIT_COMMANDS],
  },
  { name: "git", rows: [...GUARD_COMMANDS, ...LAND_COMMANDS, ...RADAR_COMMANDS] },
  { name: "evidence", rows: [...EVIDENCE_COMMANDS, ...CI_COMMANDS] },
  { name: "contracts", rows: [...CONTRACT_COMMANDS, ...COMPLIANCE_COMMANDS] },
  { name: "rules", rows: [...RULES_COMMANDS, ...TEMPLATES_COMMANDS] },
  {
    name: "records",
    rows: [...AUDIT_COMMANDS, ...STORY_COMMANDS, ...LLM_COMMANDS, ...BUDGET_COMMANDS, ...METRICS_COMMANDS],
  },
  {
    name: "connecting",
    rows: [
      ...INIT_COMMANDS,
      ...HOOKS_COMMANDS,
      ...CONFIG_COMMANDS,
      ...CONTEXT_COMMANDS,
      ...WHOAMI_COMMANDS,
      ...DOCTOR_COMMANDS,
      ...MCP_COMMANDS,
      ...COMPLETION_COMMANDS,
    ],
  },
  {
    name: "the server",
    rows: [...STATUS_COMMANDS, ...TOP_COMMANDS, ...CLUSTER_COMMANDS, ...BACKUP_COMMANDS, ...SERVE_COMMANDS],
  },
];

export const COMMANDS: readonly CommandRow[] = TOPICS.flatMap(({ rows }) => rows);
