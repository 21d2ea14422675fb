/**
 * The webhooks of the day: three that deliver, one that has failed for a while, one that is off. Their last deliveries
 * are events of the journal, so this module runs after all that publish. Pure.
 */
import { WEBHOOK_FAILURES_MAX } from "../../../schemas/limits/webhooks.js";
import { Failure } from "../../../src/base/result.js";
import { compilePattern } from "../../../src/topics/pattern.js";
import type { SnapshotLine } from "../snapshot.js";
import { HOUR_MS, MINUTE_MS, SECOND_MS } from "./sampler.js";
import { type Journal, timeOf } from "./journal.js";
import { DAY_HOURS, SETTLED_MS, type Team } from "./team.js";

export const FAILING_WEBHOOK = "team-chat";
export const DISABLED_WEBHOOK = "staging-preview";
export const FAILING_COUNT = 4;

/** Failures in a row until now, since an event of this age. */
interface Trouble {
  readonly fail_count: number;
  readonly since_ms: number;
  readonly event: (team: Team) => { readonly topic: string; readonly by: string; readonly data: object };
}

interface Webhook {
  readonly id: string;
  readonly patterns: readonly string[];
  /** The last failure and its age. */
  readonly failed?: { readonly ago_ms: number; readonly error: (host: string) => string };
  readonly trouble?: Trouble;
}

const WEBHOOKS: readonly Webhook[] = [
  { id: "ci", patterns: ["api.change.**", "review.done"] },
  { id: "cost-watch", patterns: ["llm.usage.recorded"] },
  {
    id: "pager",
    patterns: ["build.failed", "compliance.violation", "agent.stale"],
    failed: { ago_ms: 27 * HOUR_MS, error: (host) => `${host} did not answer within 10000 ms` },
  },
  {
    id: FAILING_WEBHOOK,
    patterns: ["question.asked", "review.*", "deploy.**"],
    failed: { ago_ms: 48 * SECOND_MS, error: (host) => `${host} answered 503` },
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
    failed: { ago_ms: 5.2 * HOUR_MS, error: (host) => `cannot reach ${host}: connection refused` },
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

/** The newest event before a time that matches one of the patterns. */
function lastFor(patterns: readonly string[], journal: Journal, before_ms: number): number | undefined {
  const wanted = patterns.map(compilePattern);
  const matches = (topic: string): boolean =>
    wanted.some((pattern) => !(pattern instanceof Failure) && pattern.matches(topic));
  return journal.events.findLast(({ topic, at_ms }) => at_ms < before_ms && matches(topic))?.at_ms;
}

/** @param receiver_url the beginning of the URLs: the receiver of events that are published in the restored server */
export function webhookRecords(receiver_url: string, team: Team, journal: Journal, now_ms: number): SnapshotLine[] {
  const startedMs = now_ms - DAY_HOURS * HOUR_MS + SETTLED_MS - 5 * MINUTE_MS;
  const { host } = new URL(receiver_url);
  return WEBHOOKS.map(({ id, patterns, failed, trouble }, at) => {
    const created_ms = startedMs + at * 20 * SECOND_MS;
    const url = `${receiver_url}/${id}`;
    const fail_count = trouble?.fail_count ?? 0;
    const active = fail_count < WEBHOOK_FAILURES_MAX;
    journal.act(created_ms, "", "webhook.create", id, { patterns, signed: at % 2 === 0 });
    const fired_ms = lastFor(patterns, journal, now_ms - (trouble?.since_ms ?? 0));
    if (trouble !== undefined) {
      const { topic, by, data } = trouble.event(team);
      journal.add(now_ms - trouble.since_ms, topic, by, data);
    }
    const failed_ms = failed === undefined ? null : now_ms - failed.ago_ms;
    if (!active && failed_ms !== null) journal.add(failed_ms, "webhook.disabled", "webhooks", { id, url, fail_count });
    return {
      kind: "webhook",
      id,
      url,
      patterns,
      active,
      fail_count,
      created_at: timeOf(created_ms),
      last_fired: fired_ms === undefined ? null : timeOf(fired_ms),
      last_error: failed?.error(host) ?? null,
      last_failure_at: failed_ms === null ? null : timeOf(failed_ms),
    };
  });
}
