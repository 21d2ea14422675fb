/**
 * Finds the tools that manage git hooks: husky, lefthook and the pre-commit framework. `.ci/run` installs them into a
 * folder, and names the folder in KOOR_TEST_HOOK_TOOLS. It has `node_modules`, and a virtual environment `python`.
 */
import { existsSync } from "node:fs";
import { join } from "node:path";

const VARIABLE = "KOOR_TEST_HOOK_TOOLS";

const PROGRAMS = {
  husky: "node_modules/.bin/husky",
  lefthook: "node_modules/.bin/lefthook",
  "pre-commit": "python/bin/pre-commit",
} as const;

export type HookTool = keyof typeof PROGRAMS;

/** Returns the path of a tool's program; undefined if it is not installed. */
export function hookTool(name: HookTool): string | undefined {
  const folder = process.env[VARIABLE] ?? "";
  const path = join(folder, PROGRAMS[name]);
  return folder !== "" && existsSync(path) ? path : undefined;
}

/** For tap's `skip`: says that a tool is not installed; else false. */
export function toolMissing(name: HookTool): string | false {
  return hookTool(name) === undefined ? `${name} is not in the folder that ${VARIABLE} names` : false;
}
