/**
 * The agents of the simulated day: a bookshop's team of fourteen, and more if requested. Says when each agent was
 * there, and which agent acted at a time. Pure.
 */
import type { InstanceStatus } from "../../../schemas/instances.js";
import type { SnapshotLine } from "../snapshot.js";
import { type Sampler, HOUR_MS, MINUTE_MS, SECOND_MS } from "./sampler.js";
import { type Journal, timeOf } from "./journal.js";

export const PROJECTS = ["storefront", "checkout", "search", "ops"] as const;
export type Project = (typeof PROJECTS)[number];

/** The length of the day in hours. */
export const DAY_HOURS = 72;
/** The time between the first agents and the beginning of the work. */
export const SETTLED_MS = 40 * MINUTE_MS;
/** The minimum age of all actions. Active agents were last seen later than this. */
export const QUIET_MS = 30 * SECOND_MS;

export interface Agent {
  readonly id: string;
  readonly name: string;
  readonly project: Project;
  readonly intent: string;
  readonly stack: string;
  readonly capabilities: readonly string[];
  readonly status: InstanceStatus;
  readonly registeredMs: number;
  /** The time of the activation. If the agent was never active, it is later than any time. */
  readonly activatedMs: number;
  readonly lastSeenMs: number;
}

/**
 * The role of an agent. The first agent of a project is there all the time. `joined` and `silent` are in minutes before
 * the end.
 */
interface Role extends Pick<Agent, "name" | "project" | "intent" | "stack" | "capabilities"> {
  readonly status?: InstanceStatus;
  readonly joined?: number;
  readonly silent?: number;
}

const ROLES: readonly Role[] = [
  {
    name: "claude-checkout",
    project: "checkout",
    intent: "moving cart totals to integer cents",
    stack: "typescript",
    capabilities: ["code", "review", "tests"],
  },
  {
    name: "claude-storefront",
    project: "storefront",
    intent: "product page: stock and delivery date above the fold",
    stack: "react",
    capabilities: ["code", "design", "tests"],
  },
  {
    name: "claude-search",
    project: "search",
    intent: "typo tolerance for author names",
    stack: "go",
    capabilities: ["code", "benchmarks"],
  },
  {
    name: "codex-ops",
    project: "ops",
    intent: "blue-green deploys for checkout",
    stack: "terraform",
    capabilities: ["deploy", "oncall"],
  },
  {
    name: "cursor-storefront",
    project: "storefront",
    intent: "reading list: add, remove, undo",
    stack: "react",
    capabilities: ["code"],
    silent: 1,
  },
  {
    name: "codex-payments",
    project: "checkout",
    intent: "retrying captures that time out, once, with the same key",
    stack: "typescript",
    capabilities: ["code", "tests"],
    silent: 2,
  },
  {
    name: "cursor-cart",
    project: "checkout",
    intent: "gift wrapping as a line of the cart",
    stack: "typescript",
    capabilities: ["code"],
    silent: 1,
  },
  {
    name: "kilo-indexer",
    project: "search",
    intent: "indexing only the books that changed",
    stack: "go",
    capabilities: ["code", "data"],
    silent: 3,
  },
  {
    name: "claude-release",
    project: "ops",
    intent: "release 4.12: notes, tags, staging",
    stack: "bash",
    capabilities: ["deploy", "review"],
    silent: 2,
  },
  {
    name: "codex-a11y",
    project: "storefront",
    intent: "focus order of the filter panel",
    stack: "react",
    capabilities: ["review", "accessibility"],
    status: "stale",
    silent: 47,
  },
  {
    name: "kilo-product-page",
    project: "storefront",
    intent: "lazy loading of cover images",
    stack: "react",
    capabilities: ["code"],
    joined: 31 * 60,
    silent: 1,
  },
  {
    name: "claude-checkout-review",
    project: "checkout",
    intent: "reviewing the money migration",
    stack: "typescript",
    capabilities: ["review"],
    joined: 26 * 60,
    status: "stale",
    silent: 190,
  },
  {
    name: "cursor-ranking",
    project: "search",
    intent: "boosting books that are in stock",
    stack: "python",
    capabilities: ["data", "benchmarks"],
    joined: 50 * 60,
    status: "stale",
    silent: 9 * 60,
  },
  {
    name: "kilo-sandbox",
    project: "ops",
    intent: "",
    stack: "terraform",
    capabilities: ["code"],
    joined: 42,
    status: "pending",
  },
];

const TOOLS = ["claude", "cursor", "codex", "kilo"] as const;
const TASKS = ["translating", "backfilling", "checking", "describing", "measuring"] as const;
const THINGS = ["book covers", "old orders", "author pages", "price lists", "reviews"] as const;

export class Team {
  readonly agents: readonly Agent[];
  /** The agents that act in the day. All other agents do nothing. */
  readonly workers: readonly Agent[];
  readonly #sampler: Sampler;

  constructor(sampler: Sampler, nowMs: number, count: number) {
    this.#sampler = sampler;
    const roles = ROLES.map((role, at) => this.#agent(role, at, nowMs));
    const further = Array.from({ length: Math.max(0, count - roles.length) }, (_, at) => this.#further(at, nowMs));
    this.agents = [...roles, ...further].sort((a, b) => a.registeredMs - b.registeredMs);
    this.workers = roles;
  }

  /** Chooses an agent of a project that was working at a time. */
  at(atMs: number, project: Project): Agent {
    const there = this.workers.filter(
      (agent) => agent.project === project && agent.activatedMs <= atMs && atMs <= agent.lastSeenMs,
    );
    return this.#sampler.one(there);
  }

  named(name: string): Agent {
    const agent = this.workers.find((one) => one.name === name);
    if (agent === undefined) throw new Error(`no agent is called ${name}`);
    return agent;
  }

  /** Records when the agents came and went in the journal. */
  note(journal: Journal): void {
    for (const { id, name, project, stack, capabilities, status, registeredMs, ...times } of this.agents) {
      journal.act(registeredMs, "", "instance.register", id, { name, workspace: project, stack });
      if (status === "pending") continue;
      journal.act(times.activatedMs, id, "instance.activate", id);
      if (capabilities.length > 2)
        journal.act(times.activatedMs + 2 * SECOND_MS, id, "instance.capabilities", id, { capabilities });
      if (status === "stale") {
        const data = { instance_id: id, name, workspace: project, stack, last_seen: timeOf(times.lastSeenMs) };
        journal.add(times.lastSeenMs + 5.5 * MINUTE_MS, "agent.stale", "liveness-monitor", data);
      }
    }
  }

  records(): SnapshotLine[] {
    return this.agents.map(({ id, name, project, intent, stack, capabilities, registeredMs, status, lastSeenMs }) => ({
      kind: "instance",
      id,
      name,
      workspace: project,
      intent,
      stack,
      capabilities,
      registered_at: timeOf(registeredMs),
      status,
      last_seen: timeOf(lastSeenMs),
    }));
  }

  #agent({ joined, silent = 0, status = "active", ...role }: Role, at: number, nowMs: number): Agent {
    const sinceMs =
      joined === undefined ? nowMs - DAY_HOURS * HOUR_MS + at * 90 * SECOND_MS : nowMs - joined * MINUTE_MS;
    const pending = status === "pending";
    return {
      id: this.#sampler.uuid(),
      ...role,
      status,
      registeredMs: sinceMs,
      activatedMs: pending ? Number.POSITIVE_INFINITY : sinceMs + this.#sampler.between(5, 40) * SECOND_MS,
      lastSeenMs: pending ? sinceMs : nowMs - silent * MINUTE_MS - this.#sampler.between(1, 20) * SECOND_MS,
    };
  }

  #further(at: number, nowMs: number): Agent {
    const sampler = this.#sampler;
    const project = sampler.one(PROJECTS);
    const joined = sampler.between(60, DAY_HOURS * 60 - 60);
    const status = sampler.chance(70) ? "active" : sampler.chance(80) ? "stale" : "pending";
    const role: Role = {
      name: `${sampler.one(TOOLS)}-${project}-${String(at + 1).padStart(3, "0")}`,
      project,
      intent:
        status === "pending" ? "" : `${sampler.one(TASKS)} ${sampler.one(THINGS)}, part ${sampler.between(1, 40)}`,
      stack: sampler.one(["typescript", "react", "go", "python"]),
      capabilities: [sampler.one(["code", "review", "tests", "data"])],
      joined,
      status,
      silent: status === "stale" ? sampler.between(10, joined - 10) : sampler.between(0, 3),
    };
    return this.#agent(role, at, nowMs);
  }
}
