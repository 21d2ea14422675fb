/** Tests how the recorded runs of a required command are described. */
import t from "tap";
import { MISSING_REASONS } from "../../../schemas/evidence.js";
import type { Task } from "../../api/types.js";
import { MISSING_WORDS, proofOf } from "./proof.js";

type Record = NonNullable<Task["evidence"][number]["observed"]>;

const proof = (level: Record["level"], code: number | null) => proofOf({ level, exit_code: code } as Record);

t.test("a pass counts only if it was seen", (t) => {
  t.same(proof("ci", 0), { tone: "good", text: "passed" });
  t.same(proof("observed", 0), { tone: "good", text: "passed" });
  t.same(proof("said", 0), { tone: "plain", text: "passed" });
  t.same(proof("observed", 3), { tone: "bad", text: "exit code 3" });
  t.same(proof("observed", null), { tone: "plain", text: "end unknown" });
  t.end();
});

t.test("each reason has words of its own", (t) => {
  t.equal(new Set(MISSING_REASONS.map((why) => MISSING_WORDS[why])).size, MISSING_REASONS.length);
  t.end();
});
