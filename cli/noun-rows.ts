/**
 * Loads the rows of the command table for one noun, such as `lease`. A command needs only these rows, and loading the
 * whole table would take longer than many commands do. Help and completion use the whole table in commands.ts. Runs in
 * the CLI process.
 */
import type { CommandRow } from "./command-row.js";

type Load = () => Promise<readonly CommandRow[]>;

const loadInit: Load = async () => (await import("./commands/init.js")).INIT_COMMANDS;
const loadInstances: Load = async () => (await import("./commands/instances.js")).INSTANCES_COMMANDS;
const loadStatus: Load = async () => (await import("./commands/status.js")).STATUS_COMMANDS;
const loadStory: Load = async () => (await import("./commands/story.js")).STORY_COMMANDS;
const loadWait: Load = async () => (await import("./commands/wait.js")).WAIT_COMMANDS;
const loadBackup: Load = async () => (await import("./commands/backup.js")).BACKUP_COMMANDS;

/** The module that contains the rows of each noun. Several nouns may share a module. */
const LOADERS: Readonly<Record<string, Load>> = {
  activate: loadInstances,
  asyncapi: loadStatus,
  at: loadStory,
  audit: async () => (await import("./commands/audit.js")).AUDIT_COMMANDS,
  backup: loadBackup,
  budget: async () => (await import("./commands/budget.js")).BUDGET_COMMANDS,
  changes: async () => (await import("./commands/changes.js")).CHANGES_COMMANDS,
  ci: async () => (await import("./commands/evidence.js")).CI_COMMANDS,
  cluster: async () => (await import("./commands/cluster.js")).CLUSTER_COMMANDS,
  completion: async () => (await import("./commands/completion.js")).COMPLETION_COMMANDS,
  compliance: async () => (await import("./commands/compliance.js")).COMPLIANCE_COMMANDS,
  config: async () => (await import("./commands/config.js")).CONFIG_COMMANDS,
  context: async () => (await import("./commands/context.js")).CONTEXT_COMMANDS,
  contract: async () => (await import("./commands/contract.js")).CONTRACT_COMMANDS,
  doctor: async () => (await import("./commands/doctor.js")).DOCTOR_COMMANDS,
  events: async () => (await import("./commands/events.js")).EVENTS_COMMANDS,
  evidence: async () => (await import("./commands/evidence.js")).EVIDENCE_COMMANDS,
  guard: async () => (await import("./commands/guard.js")).GUARD_COMMANDS,
  hooks: async () => (await import("./commands/hooks.js")).HOOKS_COMMANDS,
  init: loadInit,
  instances: loadInstances,
  land: async () => (await import("./commands/land.js")).LAND_COMMANDS,
  lease: async () => (await import("./commands/leases.js")).LEASES_COMMANDS,
  llm: async () => (await import("./commands/llm.js")).LLM_COMMANDS,
  mcp: async () => (await import("./commands/mcp.js")).MCP_COMMANDS,
  message: async () => (await import("./commands/message.js")).MESSAGE_COMMANDS,
  metrics: async () => (await import("./commands/metrics.js")).METRICS_COMMANDS,
  openapi: loadStatus,
  radar: async () => (await import("./commands/radar.js")).RADAR_COMMANDS,
  register: loadInstances,
  restore: loadBackup,
  rules: async () => (await import("./commands/rules.js")).RULES_COMMANDS,
  serve: async () => (await import("./commands/serve.js")).SERVE_COMMANDS,
  specs: async () => (await import("./commands/specs.js")).SPECS_COMMANDS,
  state: async () => (await import("./commands/state.js")).STATE_COMMANDS,
  status: loadStatus,
  story: loadStory,
  task: async () => (await import("./commands/tasks.js")).TASKS_COMMANDS,
  templates: async () => (await import("./commands/templates.js")).TEMPLATES_COMMANDS,
  top: async () => (await import("./commands/top.js")).TOP_COMMANDS,
  uninit: loadInit,
  wait: loadWait,
  wake: loadWait,
  webhooks: async () => (await import("./commands/webhooks.js")).WEBHOOKS_COMMANDS,
  whoami: async () => (await import("./commands/whoami.js")).WHOAMI_COMMANDS,
};

/**
 * Returns the rows of a noun; undefined if the noun is unknown. Rows of other nouns in the same module are included.
 */
export async function loadNounRows(noun: string): Promise<readonly CommandRow[] | undefined> {
  return Object.hasOwn(LOADERS, noun) ? await LOADERS[noun]?.() : undefined;
}
