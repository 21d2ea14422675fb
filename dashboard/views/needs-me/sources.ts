/**
 * The table of sources, the most urgent first: agents that cannot continue without an answer, then broken contracts, then
 * agents that are in the way of others, then failures, and at last decisions and tidying up that can wait. The
 * view shows the groups in this order.
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
