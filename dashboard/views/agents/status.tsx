/** Shows an agent's status as a badge. The colours are the same in all views. */
import { Badge, type BadgeTone } from "../../parts/badge.js";
import type { Instance } from "../../api/types.js";

const TONES: Readonly<Record<Instance["status"], BadgeTone>> = { active: "good", pending: "note", stale: "warn" };
const MEANINGS: Readonly<Record<Instance["status"], string>> = {
  active: "seen recently",
  pending: "registered, but not activated yet",
  stale: "not seen for a while",
};

export function Status({ status }: Pick<Instance, "status">) {
  return (
    <span title={MEANINGS[status]}>
      <Badge tone={TONES[status]}>{status}</Badge>
    </span>
  );
}
