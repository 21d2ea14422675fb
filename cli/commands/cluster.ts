/** Implements `cluster status`: the state of a cluster's servers. Runs in the CLI process. */
import type { CommandRow } from "../command-row.js";

/** Whether the answering server is healthy. */
function isWell(answer: Buffer): boolean {
  return (JSON.parse(answer.toString("utf8")) as { readonly state?: unknown } | null)?.state === "ok";
}

export const CLUSTER_COMMANDS: readonly CommandRow[] = [
  {
    words: ["cluster", "status"],
    about: "Show the servers of a cluster as one of them sees them; exit 1 where that one is not well.",
    method: "GET",
    path: "/api/cluster",
    about_server: true,
    exit: (answer) => (isWell(answer) ? 0 : 1),
  },
];
