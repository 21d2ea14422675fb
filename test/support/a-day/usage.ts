/** The cost of the agents' calls of language models in the day, each with its audit row and its event. Pure. */
import type { SnapshotLine } from "../snapshot.js";
import { type Sampler, HOUR_MS } from "./sampler.js";
import { type Journal, timeOf } from "./journal.js";
import { DAY_HOURS, PROJECTS, QUIET_MS, SETTLED_MS, type Agent, type Project, type Team } from "./team.js";

interface Model {
  readonly provider: string;
  readonly model: string;
  /** Dollars per million tokens. */
  readonly in_usd: number;
  readonly out_usd: number;
}

const OPUS: Model = { provider: "anthropic", model: "claude-opus-4-5", in_usd: 5, out_usd: 25 };
const SONNET: Model = { provider: "anthropic", model: "claude-sonnet-4-5", in_usd: 3, out_usd: 15 };
const HAIKU: Model = { provider: "anthropic", model: "claude-haiku-4-5", in_usd: 1, out_usd: 5 };
const CODEX: Model = { provider: "openai", model: "gpt-5.1-codex", in_usd: 1.25, out_usd: 10 };
const MINI: Model = { provider: "openai", model: "gpt-5-mini", in_usd: 0.25, out_usd: 2 };
const GEMINI: Model = { provider: "google", model: "gemini-2.5-pro", in_usd: 1.25, out_usd: 10 };
const DEVSTRAL: Model = { provider: "mistral", model: "devstral-medium", in_usd: 0.4, out_usd: 2 };
const LOCAL: Model = { provider: "local", model: "qwen3-coder-30b", in_usd: 0, out_usd: 0 };

/** The models that each tool calls; the more frequent are there more often. */
const MODELS: Readonly<Record<string, readonly Model[]>> = {
  claude: [OPUS, SONNET, SONNET, SONNET, HAIKU],
  codex: [CODEX, CODEX, CODEX, MINI],
  cursor: [SONNET, GEMINI, CODEX, MINI],
  kilo: [DEVSTRAL, DEVSTRAL, LOCAL],
};

const SESSIONS: Readonly<Record<Project, readonly string[]>> = {
  storefront: ["product-page", "reading-list", "filter-panel"],
  checkout: ["money-migration", "capture-retries", "gift-wrapping"],
  search: ["typo-tolerance", "partial-reindex", "ranking"],
  ops: ["release-4.12", "blue-green"],
};

export const USAGE_TOPIC = "llm.usage.recorded";
const REPORTS = 600;
const TOKENS_A_PRICE = 1_000_000;
/** A millionth of a dollar. */
const FINEST = 1_000_000;

function reportOf(sampler: Sampler, { id, name, project }: Agent): object {
  const { provider, model, in_usd, out_usd } = sampler.one(MODELS[name.split("-")[0] ?? ""] ?? [LOCAL]);
  const tokens_in = sampler.chance(15) ? sampler.between(40_000, 160_000) : sampler.between(900, 24_000);
  const tokens_out = sampler.between(80, 4_200);
  const cost = (tokens_in * in_usd + tokens_out * out_usd) / TOKENS_A_PRICE;
  return {
    provider,
    model,
    instance_id: id,
    project,
    tokens_in,
    tokens_out,
    cost_usd: Math.round(cost * FINEST) / FINEST,
    request_type: sampler.one(["completion", "completion", "completion", "review", "summary"]),
    session_tag: sampler.chance(8) ? "" : sampler.one(SESSIONS[project]),
  };
}

/** The records of all reports, with the ids that a server would have given them. */
export function usageRecords(sampler: Sampler, team: Team, journal: Journal, now_ms: number): SnapshotLine[] {
  const times = sampler.times(REPORTS, now_ms - DAY_HOURS * HOUR_MS + SETTLED_MS, now_ms - QUIET_MS);
  return times.map((at_ms, at) => {
    const agent = team.at(at_ms, sampler.one([...PROJECTS, "checkout"] as const));
    const row: Readonly<Record<string, unknown>> = {
      id: at + 1,
      ...reportOf(sampler, agent),
      created_at: timeOf(at_ms),
    };
    const { provider, model, tokens_in, tokens_out, cost_usd } = row;
    journal.act(at_ms, agent.id, "llm.usage", `${at + 1}`, { provider, model, tokens_in, tokens_out, cost_usd });
    journal.add(at_ms, USAGE_TOPIC, agent.id, row);
    return { kind: "usage", ...row };
  });
}
