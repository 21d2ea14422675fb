/**
 * Records that a commit was made without the guard. The only effect of the method is its row in the audit log. Runs in
 * the writer thread.
 */
import * as Type from "typebox";
import { GuardOffRequest } from "../../../schemas/guard.js";
import { weightOf } from "../../platform/rpc/method.js";
import { writerMethod } from "../../platform/threads/writer-method.js";

export const recordGuardOff = writerMethod({
  name: "guard.off",
  request: GuardOffRequest,
  reply: Type.Null(),
  weight: weightOf,
  audit: {
    action: "guard.off",
    resource: ({ workspace = "" }) => workspace,
    detail: ({ commit, paths }) => JSON.stringify({ commit, paths }),
  },
  changes: [],
  models: {},
  run: () => null,
});
