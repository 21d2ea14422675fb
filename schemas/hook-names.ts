/**
 * Defines the names that hooks of agents' programs share with the server and the command line. They name the clients,
 * the forms of answers, and the policies. This file imports nothing, because the command line loads it at each start.
 */

/** The programs of agents whose hooks Koor understands. */
export const HOOK_CLIENTS = [
  "claude",
  "codex",
  "gemini",
  "qwen",
  "copilot",
  "kimi",
  "cursor",
  "vscode",
  "opencode",
  "kilo",
  "cline",
] as const;
export type HookClientName = (typeof HOOK_CLIENTS)[number];

/** The formats in which clients expect the answer of a hook. */
export const HOOK_FORMS = ["claude", "flat", "decision", "cursor", "plugin", "cline"] as const;
export type HookForm = (typeof HOOK_FORMS)[number];

/**
 * The policies of a project for edits. `warn`: an edit is never denied. `auto`: the server leases the files that an
 * agent edits. `strict`: an edit needs a lease that the agent has requested itself.
 */
export const HOOK_POLICIES = ["warn", "auto", "strict"] as const;
export type HookPolicy = (typeof HOOK_POLICIES)[number];
