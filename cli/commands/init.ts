/**
 * Implements `init` and `uninit`, which connect a project's coding agents (Claude Code, Codex, …) to Koor, or
 * disconnect them. Runs in the CLI process.
 */
import type { CommandRow, Flag } from "../command-row.js";
import { CLIENT_NAMES } from "../mcp-clients.js";

const DRY_RUN: Flag = {
  name: "dry-run",
  kind: "switch",
  about: "print the changes as a unified diff, and write nothing",
};
const YES: Flag = { name: "yes", kind: "switch", about: "do not ask" };

export const INIT_COMMANDS: readonly CommandRow[] = [
  {
    words: ["init"],
    about: "Connect the clients of agents in this project to Koor: hooks, MCP entries, AGENTS.md.",
    examples: ["init", "init --client claude --guard --yes", "init --dry-run"],
    flags: [
      {
        name: "client",
        kind: "text",
        value: CLIENT_NAMES.join("|"),
        about: "a client to set up; without it, those that are installed or configured",
        many: true,
      },
      { name: "workspace", kind: "text", value: "NAME", about: "the workspace of the project", values: "workspace" },
      {
        name: "policy",
        kind: "text",
        value: "warn|auto|strict",
        about: "what hooks do before an edit, auto by default",
      },
      { name: "guard", kind: "switch", about: "also install the guard, which checks commits" },
      { name: "shared", kind: "switch", about: "write files to commit, which serve all machines" },
      { name: "join", kind: "text", value: "URL", about: "set up another machine for this server" },
      DRY_RUN,
      YES,
    ],
    endpoints: ["GET /api/instances"],
    run: async (args, context) => {
      // The module is loaded only by this command.
      const { init } = await import("../init/init.js");
      return await init(args, context);
    },
  },
  {
    words: ["uninit"],
    about: "Remove what init wrote in this project.",
    examples: ["uninit --dry-run", "uninit --yes"],
    flags: [DRY_RUN, YES],
    run: async (args, context) => {
      const { uninit } = await import("../init/uninit.js");
      return await uninit(args, context);
    },
  },
];
