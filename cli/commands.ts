/**
 * The table of commands: one row adds one. Runs in the command line's process. Each noun has its own
 * file of rows; `serve` is listed here for its help only, koor.ts hands its arguments to the server.
 */
import type { CommandRow } from "./command-row.js";
import { AUDIT_COMMANDS } from "./commands/audit.js";
import { BACKUP_COMMANDS } from "./commands/backup.js";
import { CONFIG_COMMANDS } from "./commands/config.js";
import { COMPLIANCE_COMMANDS } from "./commands/compliance.js";
import { CONTRACT_COMMANDS } from "./commands/contract.js";
import { EVENTS_COMMANDS } from "./commands/events.js";
import { LLM_COMMANDS } from "./commands/llm.js";
import { RULES_COMMANDS } from "./commands/rules.js";
import { INSTANCES_COMMANDS } from "./commands/instances.js";
import { METRICS_COMMANDS } from "./commands/metrics.js";
import { MCP_COMMANDS } from "./commands/mcp.js";
import { SERVE_COMMANDS } from "./commands/serve.js";
import { SPECS_COMMANDS } from "./commands/specs.js";
import { STATE_COMMANDS } from "./commands/state.js";
import { STATUS_COMMANDS } from "./commands/status.js";
import { WEBHOOKS_COMMANDS } from "./commands/webhooks.js";
import { TEMPLATES_COMMANDS } from "./commands/templates.js";

export const COMMANDS: readonly CommandRow[] = [
  ...CONFIG_COMMANDS,
  ...STATUS_COMMANDS,
  ...STATE_COMMANDS,
  ...SPECS_COMMANDS,
  ...EVENTS_COMMANDS,
  ...CONTRACT_COMMANDS,
  ...COMPLIANCE_COMMANDS,
  ...RULES_COMMANDS,
  ...INSTANCES_COMMANDS,
  ...TEMPLATES_COMMANDS,
  ...AUDIT_COMMANDS,
  ...WEBHOOKS_COMMANDS,
  ...LLM_COMMANDS,
  ...METRICS_COMMANDS,
  ...BACKUP_COMMANDS,
  ...MCP_COMMANDS,
  ...SERVE_COMMANDS,
];
