/**
 * Implements `land`, which rebases branches one after the other onto the target branch, checks them and pushes them.
 * The modules are in cli/land/, and only this command loads them. Runs in the CLI process.
 */
import { CLI_LEASE_RUN_TTL_S } from "../../schemas/limits/cli.js";
import type { Args, CommandContext, CommandRow } from "../command-row.js";
import { wrongUsage, type CliFailure } from "../failure.js";

/** The flags that apply to a landing. `--queue` makes no landing, so these flags are refused with it. */
const OF_LANDING = ["branch", "remote", "check", "owner", "batch", "wait", "ttl"] as const;

async function run(args: Args, context: CommandContext): Promise<number | CliFailure> {
  if (!args.has("queue")) return await (await import("../land/land.js")).land(args, context);
  const other = OF_LANDING.find((name) => args.text(name) !== undefined || args.duration(name) !== undefined);
  if (other !== undefined) return wrongUsage("--queue takes only --into");
  return await (await import("../land/queue.js")).showQueue(args, context);
}

export const LAND_COMMANDS: readonly CommandRow[] = [
  {
    words: ["land"],
    about: "Land a branch in its turn: rebase it on the newest head, check it, and push it.",
    examples: ["land --check 'npm ci && npm test'", "land feature/tax --into release", "land --queue"],
    list: "landings",
    arguments: [{ name: "branch", optional: true }],
    flags: [
      { name: "into", kind: "text", value: "BRANCH", about: "the branch to land into; main by default" },
      {
        name: "remote",
        kind: "text",
        value: "NAME",
        about: "the remote to land on; origin by default, or this repository if there is no origin",
      },
      { name: "check", kind: "text", value: "COMMAND", about: "land only if this command of sh exits with 0" },
      {
        name: "owner",
        kind: "text",
        value: "AGENT",
        about: "the agent that gets the task of a failed landing; by default the caller",
        values: "agent",
      },
      {
        name: "batch",
        kind: "whole",
        value: "N",
        about: "try up to N waiting branches of this repository together; 1 by default",
      },
      {
        name: "wait",
        kind: "duration",
        value: "TIME",
        about: "leave the queue after this long; by default wait as long as it takes",
      },
      {
        name: "ttl",
        kind: "duration",
        value: "TIME",
        about: `how long the lane waits for a landing that was killed, ${CLI_LEASE_RUN_TTL_S}s by default`,
      },
      { name: "queue", kind: "switch", about: "only show which branch is landing, and which ones wait" },
    ],
    endpoints: [
      "GET /api/events/history",
      "POST /api/events/publish",
      "POST /api/leases",
      "GET /api/leases",
      "GET /api/leases/{id}",
      "POST /api/leases/{id}/renew",
      "DELETE /api/leases/{id}",
      "GET /api/tasks",
      "POST /api/tasks",
      "PATCH /api/tasks/{id}",
      "POST /api/tasks/{id}/cancel",
    ],
    run,
  },
];
