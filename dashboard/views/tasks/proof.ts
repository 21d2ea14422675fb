/** Describes the recorded runs of a required command in words. Pure. */
import type { Task } from "../../api/types.js";
import type { BadgeTone } from "../../parts/badge.js";

type Required = Task["evidence"][number];

/** The texts for the reasons why a command counts as not passed. */
export const MISSING_WORDS: Readonly<Record<NonNullable<Required["why"]>, string>> = {
  none: "not run",
  said: "only said",
  unknown: "end unknown",
  tree: "ran on other files",
  failed: "failed",
  stale: "edited since",
};

export interface Proof {
  readonly tone: BadgeTone;
  readonly text: string;
}

/** Returns the text for a record. If only an agent said that the command passed, the text is not shown as good. */
export function proofOf({ level, exit_code: code }: NonNullable<Required["observed"]>): Proof {
  if (code === null) return { tone: "plain", text: "end unknown" };
  if (code !== 0) return { tone: "bad", text: `exit code ${code}` };
  return { tone: level === "said" ? "plain" : "good", text: "passed" };
}
