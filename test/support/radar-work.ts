/** The reports of five checkouts of a simulated day, for pictures and tests of the radar. */
import { sendJson } from "./http-client.js";
import { Agent } from "./leasing.js";

const WORKSPACE = "bookshop";
const BASE = "9f2ab1c07d5e44218bb4c7c3ad1d4dd2f1a0a3c5";

/** The checkouts, each with its agent, its branch, and its changed files. */
const REPORTS = [
  [
    "claude-cart",
    "feature/cart-totals",
    [
      {
        path: "src/cart/totals.ts",
        ranges: [
          [10, 14],
          [40, 39],
        ],
      },
      { path: "src/api.ts", ranges: [[5, 6]] },
      { path: "src/tax-table.ts", ranges: [[1, 3]] },
    ],
  ],
  [
    "codex-payments",
    "feature/payments",
    [
      { path: "src/cart/totals.ts", ranges: [[12, 20]] },
      { path: "src/api.ts", ranges: [[50, 60]] },
      { path: "assets/cards.png" },
    ],
  ],
  [
    "gemini-tax",
    "fix/tax",
    [
      { path: "src/tax-table.ts", deleted: true },
      { path: "src/api.ts", ranges: [[55, 55]] },
      { path: "src/cart/totals.ts", ranges: [[44, 47]] },
    ],
  ],
  ["qwen-mail", "feature/receipts", [{ path: "assets/cards.png" }, { path: "src/api.ts", ranges: [[58, 62]] }]],
  [
    "kimi-search",
    "feature/search",
    [
      { path: "src/search.ts", ranges: [[1, 0]] },
      { path: "src/api.ts", ranges: [[100, 101]] },
    ],
  ],
] as const;

/** Registers the agents, and sends each agent's report. */
export async function reportADay(port: number): Promise<void> {
  for (const [at, [name, branch, files]] of REPORTS.entries()) {
    const checkout = `radar-${at}`;
    await Agent.register(port, name, { workspace: WORKSPACE, checkout });
    await sendJson(port, "PUT", `/api/checkouts/${checkout}/changes`, {
      workspace: WORKSPACE,
      branch,
      base: BASE,
      files,
    });
  }
}
