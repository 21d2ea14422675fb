/**
 * Implements `context …`. A context is a named set of servers with their token, and applies in every folder. These
 * commands call no server. Runs in the CLI process.
 */
import type { Argument, CommandRow } from "../command-row.js";

const NAME: Argument = { name: "name" };

export const CONTEXT_COMMANDS: readonly CommandRow[] = [
  {
    words: ["context", "add"],
    about: "Save the servers of --server under a name, with a token that only they get.",
    examples: ["context add lan --server http://koor.lan:9800 --token-file ~/koor.token"],
    arguments: [NAME],
    flags: [
      { name: "token-file", kind: "text", value: "PATH", about: "the token is in this file" },
      { name: "token", kind: "text", value: "-", about: "read the token from stdin" },
    ],
    run: async (args, context) => await (await import("../context-changes.js")).addContext(args, context),
  },
  {
    words: ["context", "list"],
    about: "List your contexts, without their tokens.",
    examples: ["context list"],
    list: "contexts",
    run: async (_args, context) => await (await import("../context-changes.js")).listContexts(context),
  },
  {
    words: ["context", "show"],
    about: "Show a context, by default the one in effect.",
    examples: ["context show", "context show lan"],
    arguments: [{ ...NAME, optional: true, values: "context" }],
    run: async (args, context) => await (await import("../context-changes.js")).showContext(args, context),
  },
  {
    words: ["context", "use"],
    about: "Choose the context to use wherever nothing else names a server.",
    examples: ["context use lan", "context use --none"],
    arguments: [{ ...NAME, optional: true, values: "context" }],
    flags: [{ name: "none", kind: "switch", about: "use no context from now on" }],
    run: async (args, context) => await (await import("../context-changes.js")).useContext(args, context),
  },
  {
    words: ["context", "remove"],
    about: "Remove a context with its token.",
    examples: ["context remove lan"],
    arguments: [{ ...NAME, values: "context" }],
    run: async (args, context) => await (await import("../context-changes.js")).removeContext(args, context),
  },
];
