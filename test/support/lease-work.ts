/**
 * The leases of the agents of a simulated day. They are made by the agents' calls, because a restored server has no
 * leases. Some leases have waiters, and one of these leases ends soon.
 */
import type { ADay } from "./a-day.js";
import { sendJson } from "./http-client.js";
import type { Lease } from "./leasing.js";

/** The workspace of all leases, because all agents work on one code base. */
const WORKSPACE = "bookshop";

interface Work {
  readonly by: string;
  readonly resources: readonly string[];
  readonly reason: string;
  readonly shared?: true;
  readonly max_s?: number;
}

/** The leases, in the order of the requests. A request for a resource that is taken waits. */
const WORK: readonly Work[] = [
  {
    by: "claude-checkout",
    resources: ["path:src/cart/**", "state:plans/checkout/**"],
    reason: "totals in integer cents",
  },
  { by: "claude-storefront", resources: ["path:web/product/stock.tsx"], reason: "delivery date above the fold" },
  { by: "kilo-product-page", resources: ["path:web/product/covers/**"], reason: "lazy loading", max_s: 420 },
  { by: "codex-ops", resources: ["deploy", "path:infra/**"], reason: "blue-green", max_s: 86_400 },
  { by: "claude-search", resources: ["path:search/**"], reason: "reading before the reindex", shared: true },
  { by: "kilo-indexer", resources: ["path:search/index/**"], reason: "only the books that changed", shared: true },
  { by: "codex-payments", resources: ["path:src/cart/totals.ts"], reason: "captures read totals" },
  { by: "cursor-cart", resources: ["path:src/cart/**"], reason: "gift wrapping as a line" },
  { by: "cursor-storefront", resources: ["path:web/product/**"], reason: "smaller covers in the list" },
  { by: "claude-checkout", resources: ["deploy"], reason: "the money migration" },
  { by: "claude-release", resources: ["deploy"], reason: "release 4.12" },
];

/** Requests all leases; the answers have the same indexes. @param headers a token, where the server needs one */
export async function leaseADay(
  koor: { readonly port: number },
  { agents }: Pick<ADay, "agents">,
  headers: Readonly<Record<string, string>> = {},
): Promise<readonly Lease[]> {
  const leases: Lease[] = [];
  for (const { by, shared, max_s, ...asked } of WORK) {
    const id = agents.find(({ name }) => name === by)?.id ?? "";
    const body = {
      ...asked,
      workspace: WORKSPACE,
      queue: true,
      mode: shared === true ? "shared" : "exclusive",
      ...(max_s === undefined ? {} : { max_s }),
    };
    const answer = await sendJson(koor.port, "POST", "/api/leases", body, { ...headers, "X-Koor-Instance": id });
    if (answer.status >= 300) throw new Error(answer.text);
    leases.push(answer.json<Lease>());
  }
  return leases;
}
