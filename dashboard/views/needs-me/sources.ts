/**
 * The table of sources. The view shows their groups in this order, the most urgent first. Agents that cannot continue
 * without an answer come first. Then come broken contracts, agents that block others, and failures. Decisions and
 * clean-up can wait, so they come last.
 */
import type { Source } from "./source.js";
import { BLOCKING_LEASES } from "./sources/blocking-leases.js";
import { COMPLIANCE } from "./sources/compliance.js";
import { DEAD_TASKS } from "./sources/dead-tasks.js";
import { DENIALS } from "./sources/denials.js";
import { PROPOSED_RULES } from "./sources/proposed-rules.js";
import { QUESTIONS } from "./sources/questions.js";
import { STALE_AGENTS } from "./sources/stale-agents.js";
import { UNREAD_MESSAGES } from "./sources/unread-messages.js";
import { WEBHOOKS } from "./sources/webhooks.js";

export const SOURCES: readonly Source[] = [
  QUESTIONS,
  UNREAD_MESSAGES,
  COMPLIANCE,
  BLOCKING_LEASES,
  DENIALS,
  WEBHOOKS,
  DEAD_TASKS,
  PROPOSED_RULES,
  STALE_AGENTS,
];
