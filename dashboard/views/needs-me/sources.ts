/** The table of sources, in the order in which the view shows their groups. */
import type { Source } from "./source.js";
import { COMPLIANCE } from "./sources/compliance.js";
import { BLOCKING_LEASES } from "./sources/blocking-leases.js";
import { DENIALS } from "./sources/denials.js";
import { PROPOSED_RULES } from "./sources/proposed-rules.js";
import { STALE_AGENTS } from "./sources/stale-agents.js";
import { TASKS } from "./sources/tasks.js";
import { UNREAD_MESSAGES } from "./sources/unread-messages.js";
import { WEBHOOKS } from "./sources/webhooks.js";

export const SOURCES: readonly Source[] = [
  PROPOSED_RULES,
  WEBHOOKS,
  COMPLIANCE,
  TASKS,
  DENIALS,
  BLOCKING_LEASES,
  UNREAD_MESSAGES,
  STALE_AGENTS,
];
