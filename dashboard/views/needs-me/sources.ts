/** Where things come from that wait for a person, in the order of their groups: one line each. */
import type { Source } from "./source.js";
import { COMPLIANCE } from "./sources/compliance.js";
import { PROPOSED_RULES } from "./sources/proposed-rules.js";
import { SILENT_AGENTS } from "./sources/silent-agents.js";
import { WEBHOOKS } from "./sources/webhooks.js";

export const SOURCES: readonly Source[] = [PROPOSED_RULES, WEBHOOKS, COMPLIANCE, SILENT_AGENTS];
