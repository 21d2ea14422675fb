/** Checks whether git still runs the commit guard's hooks. Runs in the CLI process. */
import { accessSync, constants } from "node:fs";
import { basename, dirname, resolve } from "node:path";

import { hashOf } from "../content-hash.js";
import { CliFailure } from "../failure.js";
import { realPath } from "../git-folder.js";
import { GUARD_HOOKS } from "../guard/hook-script.js";
import { effectiveHooksPath } from "../guard/hooks-path.js";
import { readRecord, type InstallRecord } from "../guard/install-record.js";
import { findRepository, type Repository } from "../guard/repository.js";
import { findProgram } from "../init/detect-clients.js";
import { readRegularFile, Unread } from "../regular-file.js";
import type { Check, Examined } from "./check.js";
import { failure, ok, skip, warning, type Finding } from "./line.js";

const INSTALL = "run koor guard install";

type HookFault = "gone" | "changed" | "not executable";

/** Returns the fault of an installed script; undefined if the script is unchanged and executable. */
function findFault(path: string, hash: string): HookFault | undefined {
  try {
    const bytes = readRegularFile({ path });
    if (bytes === undefined) return "gone";
    if (bytes instanceof Unread || hashOf(bytes) !== hash) return "changed";
  } catch {
    return "gone";
  }
  try {
    accessSync(path, constants.X_OK);
    return undefined;
  } catch {
    return "not executable";
  }
}

function judgeScripts({ commonFolder }: Repository, { files }: InstallRecord): Finding | undefined {
  for (const name of GUARD_HOOKS) {
    const file = files.find(({ path }) => basename(path) === name);
    const fault = file === undefined ? "gone" : findFault(resolve(commonFolder, file.path), file.hash);
    if (fault !== undefined) return failure(`the guard's hook ${name} is ${fault}`, INSTALL);
  }
  return undefined;
}

/** Returns a warning if the hooks run but let all commits through; undefined if they check commits. */
function judgeEffect({ environment }: Examined): Finding | undefined {
  if (environment["KOOR_GUARD"] === "off")
    return warning("KOOR_GUARD=off is set here, so commits are let through", "unset KOOR_GUARD");
  if (["koor", "koor-cli"].some((name) => findProgram(name, environment) !== undefined)) return undefined;
  return warning("the guard's hooks find no program koor, and let commits through", "put koor on the search path");
}

function judge(examined: Examined): Finding {
  const repository = findRepository(examined.project.places.project);
  if (repository instanceof CliFailure) return skip(repository.message);
  const record = readRecord(repository);
  if (record instanceof CliFailure) return failure(record.message, INSTALL);
  if (record === undefined) {
    const { hasGuard = false } = examined.project.record ?? {};
    return hasGuard
      ? failure("koor init installed the guard, but it was removed", INSTALL)
      : skip("it is not installed");
  }
  const fault = judgeScripts(repository, record);
  if (fault !== undefined) return fault;
  const folder = effectiveHooksPath(repository);
  if (folder instanceof CliFailure) return failure(folder.message, INSTALL);
  const own = dirname(resolve(repository.commonFolder, record.files[0]?.path ?? ""));
  if (folder === undefined || realPath(folder) !== realPath(own))
    return failure(`git runs the hooks in ${folder ?? "no folder"}, not the guard's in ${own}`, INSTALL);
  return judgeEffect(examined) ?? ok(`git runs the guard${record.strict ? ", which is strict" : ""}`);
}

export const GUARD: Check = {
  name: "guard",
  run: (examined) =>
    examined.project.tree === undefined ? [skip("there is no git repository here")] : [judge(examined)],
};
