/**
 * The kind of records for webhooks, in the order of their creation. A record contains no secret, so a restored webhook
 * sends unsigned requests until it is created again. A snapshot does not contain queued deliveries either.
 */
import { Failure } from "../../../base/result.js";
import { compilePattern } from "../../../platform/topics/pattern.js";
import { JSON_VALUE, later, nullable, rowKind, SWITCH, TEXT, TIME, WHOLE } from "./rows.js";

const NO_SECRET = "";
const FIRST_EPOCH = 0;
/**
 * The values of the columns about the first queued delivery. They are null, because the queue of a restored webhook is
 * empty.
 */
const NO_HEAD = [null, null, null, null, null] as const;
const NOTHING_DROPPED = 0;

export const WEBHOOK_KIND = rowKind({
  name: "webhook",
  table: "webhook",
  columns: {
    id: TEXT,
    url: TEXT,
    patterns: JSON_VALUE,
    active: SWITCH,
    fail_count: WHOLE,
    created_at: TIME,
    last_fired: nullable(TIME),
    last_error: later(nullable(TEXT)),
    last_failure_at: later(nullable(TIME)),
  },
  left_out: ["secret", "epoch", "head_event", "head_since", "head_tries", "head_spent", "next_try_at", "dropped"],
  complete: ({ url, patterns }) => {
    if (!URL.canParse(String(url))) return "url must be a URL";
    if (!Array.isArray(patterns) || patterns.length === 0) return "patterns must be an array of patterns";
    const sound = patterns.every(
      (pattern) => typeof pattern === "string" && !(compilePattern(pattern) instanceof Failure),
    );
    return sound ? [NO_SECRET, FIRST_EPOCH, ...NO_HEAD, NOTHING_DROPPED] : "patterns has a malformed pattern";
  },
  order: "row",
});
