/**
 * Finds the tools that manage git hooks: husky, lefthook and the pre-commit framework. `.ci/run` installs them into the
 * folder that KOOR_TEST_HOOK_TOOLS names. The folder has `node_modules`, and a Python virtual environment `python`.
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

/** Returns the path of a tool's program; undefined if the tool is not installed. */
export function hookTool(name: HookTool): string | undefined {
  const folder = process.env[VARIABLE] ?? "";
  const path = join(folder, PROGRAMS[name]);
  return folder !== "" && existsSync(path) ? path : undefined;
}

/** For tap's `skip`: the reason if a tool is not installed; false otherwise. */
export function toolMissing(name: HookTool): string | false {
  return hookTool(name) === undefined ? `${name} is not in the folder that ${VARIABLE} names` : false;
}
