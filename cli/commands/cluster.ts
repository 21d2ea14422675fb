/** `cluster status`: how the servers of a cluster are. Runs in the command line's process. */
import type { CommandRow } from "../command-row.js";

/** Whether the server that has answered is well. */
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
