/**
 * The tasks of the agents of a simulated day, made by the agents' calls. There is at least one task in each state, and
 * one that waits for a dead task.
 */
import type { ADay } from "./a-day.js";
import { sendJson } from "./http-client.js";

/** The workspace of all tasks, because all agents work on one code base. */
const WORKSPACE = "bookshop";

interface Made {
  readonly id: string;
  readonly title: string;
  readonly labels: readonly string[];
  readonly body?: string;
  readonly data?: object;
  readonly priority?: number;
  readonly after?: readonly string[];
  readonly resources?: readonly string[];
  readonly max_attempts?: number;
}

const TASKS: readonly Made[] = [
  {
    id: "cents-cart",
    title: "cart totals in integer cents",
    labels: ["money"],
    body: "Every total is an integer of cents.\nNothing rounds but the last line of an order.",
    data: { table: "carts" },
    resources: ["path:src/totals/**"],
    priority: 8,
  },
  { id: "cents-orders", title: "order totals in integer cents", labels: ["money"], after: ["cents-cart"] },
  { id: "cents-drop", title: "drop the decimal columns", labels: ["money", "data"], after: ["cents-orders"] },
  { id: "covers-lazy", title: "cover images load when they are near", labels: ["web"] },
  { id: "focus-order", title: "focus order of the filter panel", labels: ["web", "accessibility"], priority: 7 },
  { id: "reindex", title: "reindex only the books that changed", labels: ["search"] },
  { id: "synonyms", title: "import the synonym list", labels: ["search", "data"], max_attempts: 1 },
  { id: "ranking-synonyms", title: "rank by synonyms, too", labels: ["search"], after: ["synonyms"] },
  { id: "notes-412", title: "release notes of 4.12", labels: ["release"], priority: 6 },
  { id: "blue-green", title: "blue-green deploys for checkout", labels: ["deploy"] },
  { id: "old-banner", title: "remove the autumn banner", labels: ["web"], priority: 3 },
];

interface Deed {
  readonly by: string;
  readonly id: string;
  /** The calls after the claim, each with the claim's fence. */
  readonly deeds: readonly (readonly [deed: string, body: object])[];
}

const DEEDS: readonly Deed[] = [
  {
    by: "claude-checkout",
    id: "cents-cart",
    deeds: [["progress", { percent: 60, note: "cart.ts and lines.ts are done", checkpoint: { done: ["cart.ts"] } }]],
  },
  { by: "kilo-product-page", id: "covers-lazy", deeds: [["progress", { percent: 35, note: "works in Firefox" }]] },
  {
    by: "kilo-indexer",
    id: "reindex",
    deeds: [["ask", { question: "May the index be an hour behind while it runs?\nOr shall it wait for the night?" }]],
  },
  { by: "claude-search", id: "synonyms", deeds: [["fail", { error: "synonyms.csv: line 812 has three columns" }]] },
  { by: "claude-release", id: "notes-412", deeds: [["fail", { error: "no network" }]] },
  { by: "codex-ops", id: "blue-green", deeds: [["complete", { result: { deploys: 3 } }]] },
];

/**
 * Makes the tasks.
 * @param headers the headers with a token, if the server needs one
 */
export async function taskADay(
  koor: { readonly port: number },
  { agents }: Pick<ADay, "agents">,
  headers: Readonly<Record<string, string>> = {},
): Promise<void> {
  const call = async (by: string, path: string, body: object | readonly object[]): Promise<Record<string, unknown>> => {
    const id = agents.find(({ name }) => name === by)?.id ?? "";
    const answer = await sendJson(koor.port, "POST", path, body, { ...headers, "X-Koor-Instance": id });
    if (answer.status !== 200) throw new Error(answer.text);
    return answer.json<Record<string, unknown>>();
  };
  await call(
    "claude-release",
    "/api/tasks",
    TASKS.map((task) => ({ ...task, workspace: WORKSPACE })),
  );
  for (const { by, id, deeds } of DEEDS) {
    const { task } = await call(by, "/api/tasks/claim", { id, workspace: WORKSPACE });
    const { fence } = task as { readonly fence: number };
    for (const [deed, body] of deeds) await call(by, `/api/tasks/${id}/${deed}`, { ...body, fence });
  }
  await call("claude-release", "/api/tasks/old-banner/cancel", { reason: "it is gone already" });
}
