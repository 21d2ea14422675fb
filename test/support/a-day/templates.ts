/** The templates of the day. They have rules, contracts or both. One of them was applied to two projects. Pure. */
import type { SnapshotLine } from "../snapshot.js";
import { HOUR_MS, MINUTE_MS } from "./sampler.js";
import { type Journal, timeOf } from "./journal.js";
import { APPLIED, APPLIED_AFTER_MS, type Rule } from "./rules.js";
import { DAY_HOURS, SETTLED_MS } from "./team.js";

interface Template {
  readonly id: string;
  readonly name: string;
  readonly description: string;
  readonly template_kind: "rules" | "contracts" | "bundle";
  readonly tags: readonly string[];
  readonly data: unknown;
  readonly applied: readonly string[];
}

const HEALTH = {
  kind: "contract",
  version: 1,
  endpoints: { "GET /healthz": { response: { status: { type: "string", required: true } } } },
};
const bare = ({ rule_id, pattern, message, applies_to = ["*"] }: Rule): object => ({
  rule_id,
  pattern,
  message,
  applies_to,
});

const TEMPLATES: readonly Template[] = [
  {
    id: "typescript-service",
    name: "TypeScript service",
    description: "What each of our services in TypeScript keeps.",
    template_kind: "rules",
    tags: ["typescript", "style"],
    data: APPLIED.slice(0, 2).map(bare),
    applied: ["storefront", "checkout"],
  },
  {
    id: "health-check",
    name: "Health check",
    description: "The endpoint that the load balancer asks.",
    template_kind: "contracts",
    tags: ["http", "ops"],
    data: HEALTH,
    applied: [],
  },
  {
    id: "go-worker",
    name: "Go worker",
    description: "Rules and health check of a worker in Go.",
    template_kind: "bundle",
    tags: ["go", "ops"],
    data: {
      rules: [{ rule_id: "no-panic", pattern: "\\bpanic\\(", applies_to: ["*.go"] }],
      contracts: { health: HEALTH },
    },
    applied: [],
  },
  {
    id: "public-page",
    name: "Public page",
    description: "Markup that everybody can use.",
    template_kind: "rules",
    tags: ["react", "accessibility"],
    data: [{ rule_id: "lang", pattern: "<html lang=", match_type: "missing", applies_to: ["*.html"] }],
    applied: [],
  },
];

export function templateRecords(journal: Journal, nowMs: number): SnapshotLine[] {
  const startedMs = nowMs - DAY_HOURS * HOUR_MS + SETTLED_MS / 2;
  return TEMPLATES.map(({ applied, ...template }, at) => {
    const atMs = startedMs + (at + 1) * MINUTE_MS;
    journal.act(atMs, "", "template.create", template.id);
    for (const project of applied) {
      const detail = { project, kind: template.template_kind, rules: 2, contracts: 0 };
      journal.act(startedMs + APPLIED_AFTER_MS, "", "template.apply", template.id, detail);
    }
    return { kind: "template", ...template, version: 1, created_at: timeOf(atMs), updated_at: timeOf(atMs) };
  });
}
