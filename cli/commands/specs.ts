/**
 * Implements `specs …`, the commands for a project's documents. Documents have versions, like the values of state. Runs
 * in the CLI process.
 */
import type { CommandRow } from "../command-row.js";
import { fenceHeader, WRITE_FENCE } from "../fence.js";
import { JSON_TYPE, readValue, VALUE_FLAGS, VALUE_FLAG_NAMES } from "../input.js";
import { ifVersion, versionedCommands, type VersionedNoun } from "./versioned.js";

/** The argument that names a spec, in the form `project/name`. In a path, `{spec/}` becomes two segments. */
const SPEC: VersionedNoun = {
  noun: "specs",
  argument: { name: "spec", shown: "project/name", values: "spec" },
  path: "/api/specs/{spec/}",
  one: "spec",
  content: "a spec",
  example: "trucks/truck-api",
};

export const SPECS_COMMANDS: readonly CommandRow[] = [
  {
    words: ["specs", "list"],
    about: "List a project's specs with their versions.",
    examples: ["specs list trucks"],
    list: "specs",
    arguments: [{ name: "project", values: "project" }],
    method: "GET",
    path: "/api/specs/{project}",
  },
  {
    words: ["specs", "projects"],
    about: "List the projects that have specs.",
    examples: ["specs projects"],
    list: "projects",
    method: "GET",
    path: "/api/specs",
  },
  ...versionedCommands(SPEC, {
    words: ["specs", "set"],
    about: "Store a spec.",
    examples: ["specs set trucks/truck-api --file truck-api.json --if-version 1"],
    arguments: [SPEC.argument],
    flags: [...VALUE_FLAGS, ifVersion(SPEC), WRITE_FENCE],
    oneOf: VALUE_FLAG_NAMES,
    method: "PUT",
    path: SPEC.path,
    headers: (args) => ({ ...JSON_TYPE, ...fenceHeader(args) }),
    body: readValue,
  }),
];
