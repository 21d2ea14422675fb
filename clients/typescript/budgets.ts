/** The calls about budgets: how many tokens or dollars may be used. */
import type { CallOptions } from "./deadline.js";
import { NotFoundError } from "./errors.js";
import type { Transport } from "./transport.js";
import type { Budget, NewBudget } from "./types.js";
import { segment } from "./versioned.js";

/** The rest of a budget's limits; null for a limit that it does not have. */
export interface BudgetLeft {
  readonly tokens: number | null;
  readonly cost_usd: number | null;
}

const PATH = "/api/budgets";

function pathOf(id: string): string {
  return `${PATH}/${segment(id)}`;
}

/** More than the limit may be used, because a call is known only after it. */
function left(limit: number | null, used: number): number | null {
  return limit === null ? null : Math.max(0, limit - used);
}

export class Budgets {
  readonly #transport: Transport;

  constructor(transport: Transport) {
    this.#transport = transport;
  }

  /** Makes a budget, or changes its limits. Needs the server's token. */
  set(id: string, budget: NewBudget, options?: CallOptions): Promise<Budget> {
    return this.#transport.json({ method: "PUT", path: pathOf(id), json: budget, repeatable: true }, options);
  }

  async list(options?: CallOptions): Promise<Budget[]> {
    return (await this.#transport.json<{ budgets: Budget[] }>({ method: "GET", path: PATH }, options)).budgets;
  }

  /** The rest of the limits in the period. Fails with NotFoundError if there is no such budget. */
  async left(id: string, options?: CallOptions): Promise<BudgetLeft> {
    const budget = (await this.list(options)).find((one) => one.id === id);
    if (budget === undefined) throw new NotFoundError(`budget not found: ${id}`, { status: 404 });
    const { tokens, cost_usd, used } = budget;
    return { tokens: left(tokens, used.tokens), cost_usd: left(cost_usd, used.cost_usd) };
  }

  /** Needs the server's token. */
  async remove(id: string, options?: CallOptions): Promise<void> {
    await this.#transport.json({ method: "DELETE", path: pathOf(id) }, options);
  }
}
