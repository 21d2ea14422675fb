/** The cost of the agents' language model calls in the day, each with its audit row and its event. Pure. */
import type { SnapshotLine } from "../snapshot.js";
import { type Sampler, HOUR_MS } from "./sampler.js";
import { type Journal, timeOf } from "./journal.js";
import { DAY_HOURS, PROJECTS, QUIET_MS, SETTLED_MS, type Agent, type Project, type Team } from "./team.js";

interface Model {
  readonly provider: string;
  readonly model: string;
  /** The price in dollars per million tokens. */
  readonly inUsd: number;
  readonly outUsd: number;
}

const OPUS: Model = { provider: "anthropic", model: "claude-opus-4-5", inUsd: 5, outUsd: 25 };
const SONNET: Model = { provider: "anthropic", model: "claude-sonnet-4-5", inUsd: 3, outUsd: 15 };
const HAIKU: Model = { provider: "anthropic", model: "claude-haiku-4-5", inUsd: 1, outUsd: 5 };
const CODEX: Model = { provider: "openai", model: "gpt-5.1-codex", inUsd: 1.25, outUsd: 10 };
const MINI: Model = { provider: "openai", model: "gpt-5-mini", inUsd: 0.25, outUsd: 2 };
const GEMINI: Model = { provider: "google", model: "gemini-2.5-pro", inUsd: 1.25, outUsd: 10 };
const DEVSTRAL: Model = { provider: "mistral", model: "devstral-medium", inUsd: 0.4, outUsd: 2 };
const LOCAL: Model = { provider: "local", model: "qwen3-coder-30b", inUsd: 0, outUsd: 0 };

/** The models that each tool calls. A model that is called more often occurs more often in the list. */
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
/** The number of the smallest units in a dollar: costs are rounded to a millionth. */
const FINEST = 1_000_000;

function reportOf(sampler: Sampler, { id, name, project }: Agent): object {
  const { provider, model, inUsd, outUsd } = sampler.one(MODELS[name.split("-")[0] ?? ""] ?? [LOCAL]);
  const tokensIn = sampler.chance(15) ? sampler.between(40_000, 160_000) : sampler.between(900, 24_000);
  const tokensOut = sampler.between(80, 4_200);
  const cost = (tokensIn * inUsd + tokensOut * outUsd) / TOKENS_A_PRICE;
  return {
    provider,
    model,
    instance_id: id,
    project,
    tokens_in: tokensIn,
    tokens_out: tokensOut,
    cost_usd: Math.round(cost * FINEST) / FINEST,
    request_type: sampler.one(["completion", "completion", "completion", "review", "summary"]),
    session_tag: sampler.chance(8) ? "" : sampler.one(SESSIONS[project]),
  };
}

/** Returns the records of all reports, with the ids that a server would have given them. */
export function usageRecords(sampler: Sampler, team: Team, journal: Journal, nowMs: number): SnapshotLine[] {
  const times = sampler.times(REPORTS, nowMs - DAY_HOURS * HOUR_MS + SETTLED_MS, nowMs - QUIET_MS);
  return times.map((atMs, at) => {
    const agent = team.at(atMs, sampler.one([...PROJECTS, "checkout"] as const));
    const row: Readonly<Record<string, unknown>> = {
      id: at + 1,
      ...reportOf(sampler, agent),
      created_at: timeOf(atMs),
    };
    const { provider, model, tokens_in, tokens_out, cost_usd } = row;
    journal.act(atMs, agent.id, "llm.usage", `${at + 1}`, { provider, model, tokens_in, tokens_out, cost_usd });
    journal.add(atMs, USAGE_TOPIC, agent.id, row);
    return { kind: "usage", ...row };
  });
}
