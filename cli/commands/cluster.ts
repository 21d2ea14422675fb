/** Implements `cluster status`, which shows the state of a cluster's servers. Runs in the CLI process. */
import type { CommandRow } from "../command-row.js";

/** Whether the answering server is healthy. */
function isHealthy(answer: Buffer): boolean {
  return (JSON.parse(answer.toString("utf8")) as { readonly state?: unknown } | null)?.state === "ok";
}

export const CLUSTER_COMMANDS: readonly CommandRow[] = [
  {
    words: ["cluster", "status"],
    about: "Show a cluster's servers as one of them sees them; exit 1 if that one is not healthy.",
    examples: ["cluster status", "cluster status --server http://a:9800"],
    list: "nodes",
    method: "GET",
    path: "/api/cluster",
    aboutServer: true,
    exit: (answer) => (isHealthy(answer) ? 0 : 1),
  },
];
