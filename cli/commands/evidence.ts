/**
 * Implements `evidence …` and `ci …`, which list and report records of commands that have run. `task run` is in
 * tasks.ts. Each module of cli/evidence/ is loaded only by its command. Runs in the CLI process.
 */
import type { CommandRow, Flag } from "../command-row.js";

const EXIT_CODE: Flag = {
  name: "exit-code",
  kind: "whole",
  value: "N",
  about: "the command's exit code; 0 is a pass",
  required: true,
};
const DURATION: Flag = { name: "duration", kind: "duration", value: "TIME", about: "how long the command took" };
const TASK: Flag = {
  name: "for",
  kind: "text",
  value: "ID",
  about: "the task of the record; by default the only one that the instance holds",
  values: "task",
};
const PATH = "/api/evidence";

export const EVIDENCE_COMMANDS: readonly CommandRow[] = [
  {
    words: ["evidence", "list"],
    about: "List records of commands, newest first.",
    examples: ["evidence list --for api", "evidence list --command 'npm test' --level ci"],
    list: "evidence",
    flags: [
      { name: "for", kind: "text", value: "ID", about: "only those of this task", query: "task", values: "task" },
      { name: "command", kind: "text", value: "TEXT", about: "only those of this command", query: "command" },
      {
        name: "level",
        kind: "text",
        value: "LEVEL",
        about: "said, observed or ci",
        query: "level",
        values: ["said", "observed", "ci"],
      },
      {
        name: "tree",
        kind: "text",
        value: "ID",
        about: "only runs after which the files had this tree",
        query: "tree",
      },
      {
        name: "workspace",
        kind: "text",
        value: "NAME",
        about: "only those of this workspace",
        query: "workspace",
        values: "workspace",
      },
      { name: "limit", kind: "whole", value: "N", about: "at most N records", query: "limit" },
      {
        name: "before",
        kind: "whole",
        value: "ID",
        about: "only records older than this one, for the next page",
        query: "before",
      },
    ],
    method: "GET",
    path: PATH,
    parts: { paged: true },
  },
  {
    words: ["evidence", "get"],
    about: "Print a record with the end of the command's output.",
    examples: ["evidence get 12"],
    arguments: [{ name: "id", values: "evidence" }],
    method: "GET",
    path: `${PATH}/{id}`,
  },
  {
    words: ["evidence", "add"],
    about: "Record a command that you ran, at the level said, because no program saw the run.",
    examples: ["evidence add 'npm test' --exit-code 0 --for api"],
    arguments: [{ name: "command" }],
    flags: [EXIT_CODE, DURATION, TASK],
    endpoints: ["POST /api/evidence"],
    run: async (args, context) => await (await import("../evidence/report.js")).reportEvidence(args, context, "agent"),
  },
];

export const CI_COMMANDS: readonly CommandRow[] = [
  {
    words: ["ci", "run"],
    about: "Run a command, and record it with the token of CI.",
    examples: ["ci run -- npm test"],
    arguments: [{ name: "command", afterDashes: true, values: "command" }],
    flags: [TASK],
    endpoints: ["POST /api/evidence"],
    run: async (args, context) => await (await import("../evidence/run-seen.js")).runSeen(args, context, "ci"),
  },
  {
    words: ["ci", "report"],
    about: "Record a finished command, with the token of CI.",
    examples: ["ci report --command 'npm test' --exit-code 0 --duration 41s"],
    flags: [
      { name: "command", kind: "text", value: "TEXT", about: "the command", required: true },
      EXIT_CODE,
      DURATION,
      TASK,
      {
        name: "tree",
        kind: "text",
        value: "ID",
        about: "the tree on which it ran; that of the working tree by default",
      },
    ],
    endpoints: ["POST /api/evidence"],
    run: async (args, context) => await (await import("../evidence/report.js")).reportEvidence(args, context, "ci"),
  },
];
