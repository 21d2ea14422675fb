/**
 * Records that a git commit was made without the guard, which checks commits in the command line (docs/guard.md). The
 * method only writes a row of the audit log. Runs in the writer thread.
 */
import * as Type from "typebox";
import { GuardOffRequest } from "../../../schemas/guard.js";
import { GUARD_OFF_PATHS_BYTES_MAX } from "../../../schemas/limits/guard.js";
import { utf8Length } from "../../../schemas/text.js";
import { weightOf } from "../../platform/rpc/method.js";
import { writerMethod } from "../../platform/threads/writer-method.js";

/** Returns the first paths, as many as fit into a row of the audit log. */
function firstPaths(paths: readonly string[]): readonly string[] {
  let bytes = 0;
  const end = paths.findIndex((path) => (bytes += utf8Length(JSON.stringify(path)) + 1) > GUARD_OFF_PATHS_BYTES_MAX);
  return end < 0 ? paths : paths.slice(0, end);
}

export const recordGuardOff = writerMethod({
  name: "guard.off",
  request: GuardOffRequest,
  reply: Type.Null(),
  weight: weightOf,
  audit: {
    action: "guard.off",
    resource: ({ workspace = "" }) => workspace,
    detail: ({ commit, paths }) => {
      const first = firstPaths(paths);
      const count = first.length < paths.length ? { count: paths.length } : {};
      return JSON.stringify({ commit, paths: first, ...count });
    },
  },
  changes: [],
  models: {},
  run: () => null,
});
