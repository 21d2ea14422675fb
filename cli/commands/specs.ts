/** `specs …`: documents of a project, versioned as state is. Runs in the command line's process. */
import type { Argument, CommandRow, Flag } from "../command-row.js";
import { readValue, VALUE_FLAGS, VALUE_FLAG_NAMES } from "../input.js";

/** A spec as it is named on the command line; a template's `{spec/}` makes two segments of it. */
const SPEC: Argument = { name: "spec", shown: "project/name" };
const SPEC_PATH = "/api/specs/{spec/}";

const IF_VERSION: Flag = {
  name: "if-version",
  kind: "whole",
  value: "N",
  about: "only if the spec is at this version now; 0: only if it does not exist",
  query: "if_version",
};

export const SPECS_COMMANDS: readonly CommandRow[] = [
  {
    words: ["specs", "list"],
    about: "List a project's specs with their versions.",
    arguments: [{ name: "project" }],
    method: "GET",
    path: "/api/specs/{project}",
  },
  {
    words: ["specs", "projects"],
    about: "List the projects that have specs.",
    method: "GET",
    path: "/api/specs",
  },
  {
    words: ["specs", "get"],
    about: "Print a spec, byte for byte.",
    arguments: [SPEC],
    flags: [{ name: "version", kind: "whole", value: "N", about: "the spec as it was at this version", query: "version" }],
    method: "GET",
    path: SPEC_PATH,
    answer: "raw",
  },
  {
    words: ["specs", "set"],
    about: "Store a spec.",
    arguments: [SPEC],
    flags: [...VALUE_FLAGS, IF_VERSION],
    one_of: VALUE_FLAG_NAMES,
    method: "PUT",
    path: SPEC_PATH,
    headers: () => ({ "Content-Type": "application/json" }),
    body: readValue,
  },
  {
    words: ["specs", "delete"],
    about: "Delete a spec; its history stays.",
    arguments: [SPEC],
    flags: [IF_VERSION],
    method: "DELETE",
    path: SPEC_PATH,
  },
  {
    words: ["specs", "history"],
    about: "List the versions of a spec, newest first.",
    arguments: [SPEC],
    flags: [{ name: "limit", kind: "whole", value: "N", about: "at most so many versions, 50 by default", query: "limit" }],
    method: "GET",
    path: SPEC_PATH,
    query: () => ({ history: "1" }),
  },
  {
    words: ["specs", "rollback"],
    about: "Store an earlier version of a spec as a new version.",
    arguments: [SPEC],
    flags: [
      { name: "version", kind: "whole", value: "N", about: "the version to go back to", required: true, query: "rollback" },
      IF_VERSION,
    ],
    method: "POST",
    path: SPEC_PATH,
  },
  {
    words: ["specs", "diff"],
    about: "Compare two versions of a spec.",
    arguments: [SPEC],
    flags: [
      { name: "v1", kind: "whole", value: "N", about: "the version before", required: true },
      { name: "v2", kind: "whole", value: "N", about: "the version after", required: true },
    ],
    method: "GET",
    path: SPEC_PATH,
    query: (args) => ({ diff: `${args.need("v1")},${args.need("v2")}` }),
  },
];
