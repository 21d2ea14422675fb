/**
 * The webhooks of the day: three that deliver, one that has failed for a while, and one that is turned off. Their last
 * deliveries are events of the journal, so this module runs after all modules that publish events. Pure.
 */
import { WEBHOOK_FAILURES_MAX } from "../../../schemas/limits/webhooks.js";
import { Failure } from "../../../src/base/result.js";
import { compilePattern } from "../../../src/platform/topics/pattern.js";
import type { SnapshotLine } from "../snapshot.js";
import { HOUR_MS, MINUTE_MS, SECOND_MS } from "./sampler.js";
import { type Journal, timeOf } from "./journal.js";
import { DAY_HOURS, SETTLED_MS, type Team } from "./team.js";

export const FAILING_WEBHOOK = "team-chat";
export const DISABLED_WEBHOOK = "staging-preview";
export const FAILING_COUNT = 4;

/** A series of failures that still continues. It began with an event of this age. */
interface Trouble {
  readonly fail_count: number;
  readonly since_ms: number;
  readonly event: (team: Team) => { readonly topic: string; readonly by: string; readonly data: object };
}

interface Webhook {
  readonly id: string;
  readonly patterns: readonly string[];
  /** The age of the last failure, and its error. */
  readonly failed?: { readonly agoMs: number; readonly error: (host: string) => string };
  readonly trouble?: Trouble;
}

const WEBHOOKS: readonly Webhook[] = [
  { id: "ci", patterns: ["api.change.**", "review.done"] },
  { id: "cost-watch", patterns: ["llm.usage.recorded"] },
  {
    id: "pager",
    patterns: ["build.failed", "compliance.violation", "agent.stale"],
    failed: { agoMs: 27 * HOUR_MS, error: (host) => `${host} did not answer within 10000 ms` },
  },
  {
    id: FAILING_WEBHOOK,
    patterns: ["question.asked", "review.*", "deploy.**"],
    failed: { agoMs: 48 * SECOND_MS, error: (host) => `${host} answered 503` },
    trouble: {
      fail_count: FAILING_COUNT,
      since_ms: 52 * SECOND_MS,
      event: (team) => ({
        topic: "question.asked",
        by: team.named("claude-storefront").id,
        data: { to: "claude-checkout", question: "May the product page show the total of the cart in cents?" },
      }),
    },
  },
  {
    id: DISABLED_WEBHOOK,
    patterns: ["deploy.staging"],
    failed: { agoMs: 5.2 * HOUR_MS, error: (host) => `cannot reach ${host}: connection refused` },
    trouble: {
      fail_count: WEBHOOK_FAILURES_MAX,
      since_ms: 5.2 * HOUR_MS + 46 * SECOND_MS,
      event: (team) => ({
        topic: "deploy.staging",
        by: team.named("claude-release").id,
        data: { service: "checkout", release: "4.12.0-rc.2" },
      }),
    },
  },
];

/** Returns the newest event before a time that matches one of the patterns. */
function lastFor(patterns: readonly string[], journal: Journal, beforeMs: number): number | undefined {
  const wanted = patterns.map(compilePattern);
  const matches = (topic: string): boolean =>
    wanted.some((pattern) => !(pattern instanceof Failure) && pattern.matches(topic));
  return journal.events.findLast(({ topic, at_ms }) => at_ms < beforeMs && matches(topic))?.at_ms;
}

/**
 * @param receiverUrl the beginning of the webhooks' URLs. The receiver there gets the events that are published in the
 * restored server
 */
export function webhookRecords(receiverUrl: string, team: Team, journal: Journal, nowMs: number): SnapshotLine[] {
  const startedMs = nowMs - DAY_HOURS * HOUR_MS + SETTLED_MS - 5 * MINUTE_MS;
  const { host } = new URL(receiverUrl);
  return WEBHOOKS.map(({ id, patterns, failed, trouble }, at) => {
    const createdMs = startedMs + at * 20 * SECOND_MS;
    const url = `${receiverUrl}/${id}`;
    const failCount = trouble?.fail_count ?? 0;
    const active = failCount < WEBHOOK_FAILURES_MAX;
    journal.act(createdMs, "", "webhook.create", id, { patterns, signed: at % 2 === 0 });
    const firedMs = lastFor(patterns, journal, nowMs - (trouble?.since_ms ?? 0));
    if (trouble !== undefined) {
      const { topic, by, data } = trouble.event(team);
      journal.add(nowMs - trouble.since_ms, topic, by, data);
    }
    const failedMs = failed === undefined ? null : nowMs - failed.agoMs;
    if (!active && failedMs !== null)
      journal.add(failedMs, "webhook.disabled", "webhooks", { id, url, fail_count: failCount });
    return {
      kind: "webhook",
      id,
      url,
      patterns,
      active,
      fail_count: failCount,
      created_at: timeOf(createdMs),
      last_fired: firedMs === undefined ? null : timeOf(firedMs),
      last_error: failed?.error(host) ?? null,
      last_failure_at: failedMs === null ? null : timeOf(failedMs),
    };
  });
}
