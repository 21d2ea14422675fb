/** Defines the shapes of docs/http-api.md "Guard". */
import * as Type from "typebox";
import type { Static } from "typebox";
import { CheckedPath, Workspace } from "./leases.js";
import { GUARD_OFF_PATHS_MAX } from "./limits/guard.js";

/** The full id of a git commit, a SHA-1 or a SHA-256. */
const Commit = Type.String({ pattern: "^(?:[0-9a-f]{40}|[0-9a-f]{64})$" });

export const GuardOffBody = Type.Object({
  workspace: Type.Optional(Workspace),
  commit: Commit,
  paths: Type.Optional(Type.Array(CheckedPath, { maxItems: GUARD_OFF_PATHS_MAX })),
});
export const GuardOffAnswer = Type.Object({ recorded: Type.String({ description: "The commit." }) });

export const GuardOffRequest = Type.Object({
  workspace: Type.String(),
  commit: Type.String(),
  paths: Type.Array(Type.String()),
});
export type GuardOffRequest = Static<typeof GuardOffRequest>;
