/**
 * Implements `guard …`, which stops commits that touch files leased by other agents. The modules of the guard are in
 * cli/guard/, and each is loaded only by its command. Runs in the CLI process.
 */
import type { CommandRow, Flag } from "../command-row.js";

const STRICT: Flag = {
  name: "strict",
  kind: "switch",
  about: "refuse commits while the server cannot be asked, too",
};

export const GUARD_COMMANDS: readonly CommandRow[] = [
  {
    words: ["guard", "install"],
    about: "Add the guard to the git hooks of this repository, behind those that it has.",
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
    about: "Check whether others have leased what a commit touches; exit 1 if any has.",
    examples: ["guard check", "guard check --range main..HEAD"],
    flags: [
      { name: "staged", kind: "switch", about: "what is staged; the default" },
      { name: "range", kind: "text", value: "A..B", about: "what any commit of the range touches" },
      { ...STRICT, about: "exit 3 if the server cannot be asked" },
    ],
    endpoints: ["GET /api/leases"],
    run: async (args, context) => await (await import("../guard/check.js")).check(args, context),
  },
  {
    words: ["guard", "trailer"],
    about: "Add the fences of one's leases to a commit's message, as git's hook prepare-commit-msg.",
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
    about: "Release the automatic leases of what is committed, as git's hook post-commit.",
    examples: ["guard committed"],
    endpoints: ["GET /api/leases", "DELETE /api/leases/{id}", "POST /api/guard/off"],
    run: async (_args, context) => await (await import("../guard/committed.js")).committed(context),
  },
  {
    words: ["guard", "verify"],
    about: "Show for each commit of a range whether it kept to the leases of its time; exit 1 if any did not.",
    examples: ["guard verify main~2..main", "guard verify --evidence 'npm test' main~2..main"],
    arguments: [{ name: "range", shown: "A..B" }],
    flags: [
      {
        name: "evidence",
        kind: "text",
        value: "COMMAND",
        many: true,
        about: "each commit's files must have been seen to pass this command",
      },
    ],
    endpoints: ["GET /api/leases", "GET /api/audit", "GET /api/evidence"],
    run: async (args, context) => await (await import("../guard/verify.js")).verify(args, context),
  },
];
