/** The calls about budgets, which limit how many tokens or dollars agents may use. */
import type { CallOptions } from "./deadline.js";
import { NotFoundError } from "./errors.js";
import type { Transport } from "./transport.js";
import type { Budget, NewBudget } from "./types.js";
import { segment } from "./versioned.js";

/** The rest of a budget for each of its limits; null for a limit that the budget does not have. */
export interface BudgetLeft {
  readonly tokens: number | null;
  readonly cost_usd: number | null;
}

const PATH = "/api/budgets";

function pathOf(id: string): string {
  return `${PATH}/${segment(id)}`;
}

/**
 * Returns the rest of a limit, at least 0. `used` may exceed the limit, because the cost of a call is known only after
 * the call.
 */
function left(limit: number | null, used: number): number | null {
  return limit === null ? null : Math.max(0, limit - used);
}

export class Budgets {
  readonly #transport: Transport;

  constructor(transport: Transport) {
    this.#transport = transport;
  }

  /** Creates a budget, or changes its limits. Needs the server's token. */
  set(id: string, budget: NewBudget, options?: CallOptions): Promise<Budget> {
    return this.#transport.json({ method: "PUT", path: pathOf(id), json: budget, repeatable: true }, options);
  }

  async list(options?: CallOptions): Promise<Budget[]> {
    return (await this.#transport.json<{ budgets: Budget[] }>({ method: "GET", path: PATH }, options)).budgets;
  }

  /**
   * Returns how much of the budget is left in the current period. Fails with NotFoundError if the budget does not
   * exist.
   */
  async left(id: string, options?: CallOptions): Promise<BudgetLeft> {
    const budget = (await this.list(options)).find((one) => one.id === id);
    if (budget === undefined) throw new NotFoundError(`budget not found: ${id}`, { status: 404 });
    const { tokens, cost_usd, used } = budget;
    return { tokens: left(tokens, used.tokens), cost_usd: left(cost_usd, used.cost_usd) };
  }

  /** Deletes a budget. Needs the server's token. */
  async remove(id: string, options?: CallOptions): Promise<void> {
    await this.#transport.json({ method: "DELETE", path: pathOf(id) }, options);
  }
}
