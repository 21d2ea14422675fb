/**
 * Implements `guard …`, which stops commits of files that other agents have leased. The modules are in cli/guard/, and
 * each is loaded only by its command. Runs in the CLI process.
 */
import type { CommandRow, Flag } from "../command-row.js";

const STRICT: Flag = {
  name: "strict",
  kind: "switch",
  about: "also refuse commits while the server cannot be reached",
};

export const GUARD_COMMANDS: readonly CommandRow[] = [
  {
    words: ["guard", "install"],
    about: "Add the guard to the git hooks of this repository, after the existing hooks.",
    examples: ["guard install", "guard install --strict"],
    flags: [STRICT],
    run: async (args, context) => await (await import("../guard/install.js")).install(args, context),
  },
  {
    words: ["guard", "uninstall"],
    about: "Remove the guard from the git hooks, and leave the others as they were.",
    examples: ["guard uninstall"],
    run: async (_args, context) => await (await import("../guard/uninstall.js")).uninstall(context),
  },
  {
    words: ["guard", "check"],
    about: "Check whether others have leased files that a commit changes; exit 1 if they have.",
    examples: ["guard check", "guard check --range main..HEAD"],
    flags: [
      { name: "staged", kind: "switch", about: "check the staged files; the default" },
      { name: "range", kind: "text", value: "A..B", about: "check the files that any commit of the range changes" },
      { ...STRICT, about: "exit 3 if the server cannot be reached" },
    ],
    endpoints: ["GET /api/leases"],
    run: async (args, context) => await (await import("../guard/check.js")).check(args, context),
  },
  {
    words: ["guard", "trailer"],
    about: "Add the fences of your leases to a commit's message; git's hook prepare-commit-msg runs this.",
    examples: ["guard trailer .git/COMMIT_EDITMSG message"],
    arguments: [
      { name: "file", values: "file" },
      { name: "source", optional: true },
      { name: "commit", optional: true },
    ],
    endpoints: ["GET /api/leases"],
    run: async (args, context) => await (await import("../guard/trailer.js")).addFences(args, context),
  },
  {
    words: ["guard", "committed"],
    about: "Release the automatic leases of the committed files; git's hook post-commit runs this.",
    examples: ["guard committed"],
    endpoints: ["GET /api/leases", "DELETE /api/leases/{id}", "POST /api/guard/off"],
    run: async (_args, context) => await (await import("../guard/committed.js")).committed(context),
  },
  {
    words: ["guard", "verify"],
    about: "Check each commit of a range against the leases of its time; exit 1 if one violates them.",
    examples: ["guard verify main~2..main", "guard verify --evidence 'npm test' main~2..main"],
    arguments: [{ name: "range", shown: "A..B" }],
    flags: [
      {
        name: "evidence",
        kind: "text",
        value: "COMMAND",
        many: true,
        about: "also require evidence that this command passed on each commit's files",
      },
      {
        name: "level",
        kind: "text",
        value: "LEVEL",
        about: "with ci, only what CI has run counts; observed by default",
        values: ["observed", "ci"],
      },
    ],
    endpoints: ["GET /api/leases", "GET /api/audit", "GET /api/evidence"],
    run: async (args, context) => await (await import("../guard/verify.js")).verify(args, context),
  },
];
