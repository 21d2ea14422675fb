/** Maps the origin of a record to its level. Pure. */
import { SEEN_BY, type EvidenceLevel, type SeenBy } from "../../../schemas/evidence.js";

const LEVELS: Readonly<Record<SeenBy, EvidenceLevel>> = { agent: "said", hook: "observed", cli: "observed", ci: "ci" };

/** The origins whose records prove that a command ran: all except `agent`, which is only the agent's own claim. */
export const PROVING = ["cli", "hook", "ci"] as const satisfies readonly SeenBy[];

export function levelOf(seenBy: SeenBy): EvidenceLevel {
  return LEVELS[seenBy];
}

/** Returns the origins whose records have a level. */
export function originsOf(level: EvidenceLevel): readonly SeenBy[] {
  return SEEN_BY.filter((seenBy) => LEVELS[seenBy] === level);
}
