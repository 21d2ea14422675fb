/** The rules of the day: accepted ones, four pending ones that agents have proposed, and two rejected ones. Pure. */
import type { SnapshotLine } from "../snapshot.js";
import { type Sampler, HOUR_MS, MINUTE_MS, SECOND_MS } from "./sampler.js";
import { type Journal, timeOf } from "./journal.js";
import { DAY_HOURS, SETTLED_MS, type Team } from "./team.js";

/** The actor of the calls that the team makes in the dashboard. */
const PAGE = "dashboard";

export interface Rule {
  readonly project: string;
  readonly rule_id: string;
  readonly pattern: string;
  readonly message: string;
  readonly severity?: "error" | "warning";
  readonly match_type?: "regex" | "missing" | "custom";
  readonly stack?: string;
  readonly applies_to?: readonly string[];
}

/** Rules that the team added at the beginning. */
const PUT: readonly Rule[] = [
  {
    project: "_global",
    rule_id: "no-merge-markers",
    pattern: "^(<{7}|={7}|>{7})( |$)",
    message: "a merge is not finished",
  },
  {
    project: "_global",
    rule_id: "no-private-keys",
    pattern: "BEGIN (RSA|EC|OPENSSH) PRIVATE KEY",
    message: "a private key",
  },
  {
    project: "_global",
    rule_id: "no-todo",
    pattern: "\\b(TODO|FIXME)\\b",
    message: "open an issue instead",
    severity: "warning",
  },
  {
    project: "_global",
    rule_id: "no-console-log",
    pattern: "no-console-log",
    message: "",
    match_type: "custom",
    applies_to: ["*.ts", "*.tsx"],
  },
  {
    project: "storefront",
    rule_id: "no-hex-colours",
    pattern: "#[0-9a-fA-F]{3,8}\\b",
    message: "use a token: specs/storefront/design-tokens",
    stack: "react",
    applies_to: ["src/components/**/*.tsx", "*.css"],
  },
  {
    project: "storefront",
    rule_id: "image-has-alt",
    pattern: "<img(?:[^>a]|a[^>l])*>",
    message: "an image needs an alt",
    stack: "react",
    applies_to: ["*.tsx"],
  },
  {
    project: "storefront",
    rule_id: "no-inner-html",
    pattern: "dangerouslySetInnerHTML",
    message: "render text, not markup",
    stack: "react",
  },
  {
    project: "checkout",
    rule_id: "no-float-money",
    pattern: "parseFloat\\(.*(price|total|amount)",
    message: "money is integer cents: decisions/0001",
    stack: "typescript",
    applies_to: ["src/**/*.ts"],
  },
  {
    project: "checkout",
    rule_id: "idempotency-key",
    pattern: "Idempotency-Key",
    message: "a capture carries its key: decisions/0002",
    match_type: "missing",
    applies_to: ["src/payments/*.ts"],
  },
  {
    project: "checkout",
    rule_id: "no-card-numbers",
    pattern: "\\b4[0-9]{15}\\b",
    message: "use the provider's test tokens",
  },
  {
    project: "search",
    rule_id: "no-match-all",
    pattern: "match_all",
    message: "it reads the whole index",
    severity: "warning",
    stack: "go",
  },
  {
    project: "search",
    rule_id: "context-first",
    pattern: "^func .*\\(q string",
    message: "context is the first parameter",
    stack: "go",
    applies_to: ["*.go"],
  },
  {
    project: "ops",
    rule_id: "pinned-images",
    pattern: "image: .*:latest",
    message: "pin the image by its digest",
    applies_to: ["*.yaml", "*.yml"],
  },
  {
    project: "ops",
    rule_id: "no-open-ingress",
    pattern: "0\\.0\\.0\\.0/0",
    message: "name who may come in",
    stack: "terraform",
    applies_to: ["*.tf"],
  },
];

/** Rules that applying a template added. */
export const APPLIED: readonly Rule[] = ["storefront", "checkout"].flatMap((project) => [
  {
    project,
    rule_id: "no-any",
    pattern: ": any\\b",
    message: "say what it is",
    stack: "typescript",
    applies_to: ["*.ts"],
  },
  {
    project,
    rule_id: "no-default-export",
    pattern: "^export default",
    message: "name it",
    severity: "warning" as const,
  },
]);

/** The time between the first rules and the application of the template. */
export const APPLIED_AFTER_MS = 6 * MINUTE_MS;

interface Proposed extends Rule {
  readonly by: string;
  readonly context: string;
  readonly hoursAgo: number;
  readonly becomes: "proposed" | "accepted" | "rejected";
}

const PROPOSED: readonly Proposed[] = [
  {
    project: "checkout",
    rule_id: "no-total-string",
    pattern: "total: string",
    message: "totals are cents",
    by: "claude-checkout-review",
    context: "three places still carry the old total after the money migration",
    hoursAgo: 3.4,
    becomes: "proposed",
    stack: "typescript",
  },
  {
    project: "storefront",
    rule_id: "focus-visible",
    pattern: "outline: ?(none|0)",
    message: "keep the focus visible",
    by: "codex-a11y",
    context: "the filter panel lost its focus ring twice this week",
    hoursAgo: 1.2,
    becomes: "proposed",
    applies_to: ["*.css", "*.tsx"],
  },
  {
    project: "search",
    rule_id: "bounded-fuzziness",
    pattern: "fuzziness: ?[3-9]",
    message: "distance 2 at most",
    by: "claude-search",
    context: "distance 3 made p95 four times as slow",
    hoursAgo: 0.6,
    becomes: "proposed",
  },
  {
    project: "ops",
    rule_id: "no-noon-deploys",
    pattern: "cron: .* 1[12] ",
    message: "not between 11 and 13",
    by: "claude-release",
    context: "carts were cut in half twice",
    hoursAgo: 7.5,
    becomes: "proposed",
    severity: "warning",
  },
  {
    project: "checkout",
    rule_id: "no-date-now",
    pattern: "Date\\.now\\(\\)",
    message: "take the clock that was handed in",
    by: "codex-payments",
    context: "a test failed at midnight",
    hoursAgo: 28,
    becomes: "accepted",
    stack: "typescript",
  },
  {
    project: "search",
    rule_id: "close-scroll",
    pattern: "ClearScroll",
    message: "a scroll is closed again",
    by: "kilo-indexer",
    context: "the cluster ran out of contexts",
    hoursAgo: 49,
    becomes: "accepted",
    match_type: "missing",
  },
  {
    project: "storefront",
    rule_id: "no-semicolons",
    pattern: ";$",
    message: "no semicolons",
    by: "cursor-storefront",
    context: "shorter",
    hoursAgo: 52,
    becomes: "rejected",
    severity: "warning",
  },
  {
    project: "checkout",
    rule_id: "max-80-columns",
    pattern: "^.{81,}$",
    message: "wrap at 80",
    by: "cursor-cart",
    context: "",
    hoursAgo: 30,
    becomes: "rejected",
    severity: "warning",
  },
];

const recordOf = (rule: Rule, more: object): SnapshotLine => ({
  kind: "rule",
  project: rule.project,
  rule_id: rule.rule_id,
  severity: rule.severity ?? "error",
  match_type: rule.match_type ?? "regex",
  pattern: rule.pattern,
  message: rule.message,
  stack: rule.stack ?? "",
  applies_to: rule.applies_to ?? ["*"],
  source: "local",
  status: "accepted",
  proposed_by: "",
  context: "",
  ...more,
});

export function ruleRecords(sampler: Sampler, team: Team, journal: Journal, nowMs: number): SnapshotLine[] {
  const startedMs = nowMs - DAY_HOURS * HOUR_MS + SETTLED_MS / 2;
  const projects = [...new Set(PUT.map(({ project }) => project))];
  for (const [at, project] of projects.entries()) {
    const count = PUT.filter((rule) => rule.project === project).length;
    journal.act(startedMs + at * SECOND_MS, "", "rules.put", project, { count });
  }
  const appliedMs = startedMs + APPLIED_AFTER_MS;
  const proposed = PROPOSED.map(({ by, context, hoursAgo, becomes, ...rule }) => {
    const atMs = nowMs - Math.round(hoursAgo * HOUR_MS);
    const { id } = team.named(by);
    const name = `${rule.project}/${rule.rule_id}`;
    journal.act(atMs, id, "rule.propose", name, { status: "proposed" });
    if (becomes !== "proposed") {
      const action = becomes === "accepted" ? "rule.accept" : "rule.reject";
      journal.act(atMs + sampler.between(4, 90) * MINUTE_MS, PAGE, action, name, { status: becomes });
    }
    return recordOf(rule, { source: "learned", status: becomes, proposed_by: id, context, created_at: timeOf(atMs) });
  });
  return [
    ...PUT.map((rule) =>
      recordOf(rule, { created_at: timeOf(startedMs + projects.indexOf(rule.project) * SECOND_MS) }),
    ),
    ...APPLIED.map((rule) => recordOf(rule, { source: "external", created_at: timeOf(appliedMs) })),
    ...proposed,
  ];
}

/** The pending rules, as `project/rule_id`. */
export const PROPOSED_RULES = PROPOSED.filter(({ becomes }) => becomes === "proposed").map(
  ({ project, rule_id }) => `${project}/${rule_id}`,
);
export const REJECTED_RULES = PROPOSED.filter(({ becomes }) => becomes === "rejected").map(
  ({ project, rule_id }) => `${project}/${rule_id}`,
);
