/** Defines the default globs of hooks, and the answer of `GET /api/hooks`. */
import * as Type from "typebox";
import type { Static } from "typebox";
import { Timestamp } from "./common.js";
import { HOOK_CLIENTS, HOOK_FORMS } from "./hook-names.js";
import { Holder } from "./leases.js";
import { HOOK_DENIALS_COUNT_MIN, HOOK_DENIALS_LISTED_MAX, HOOK_WAITS_LISTED_MAX } from "./limits/hooks.js";

/** The globs of paths that hooks do not check, unless the project names others. */
export const HOOK_IGNORE_DEFAULT = [".git/**", "**/node_modules/**"] as const;

/**
 * The globs of paths that are leased for the whole repository instead of one working tree. They apply unless the
 * project names others. Git cannot merge two versions of these files, which are lockfiles, migrations and generated
 * code.
 */
export const HOOK_REPO_SCOPE_DEFAULT = [
  "**/{package-lock,npm-shrinkwrap,packages.lock}.json",
  "**/{yarn,bun,deno,Cargo,poetry,uv,pdm,Pipfile,Gemfile,composer,Podfile,mix,flake,pubspec}.lock",
  "**/{pnpm-lock.yaml,bun.lockb,go.sum,gradle.lockfile,Package.resolved}",
  "**/migrations/**",
  "**/{generated,__generated__}/**",
  "**/*.{generated,gen}.*",
  "**/*{.pb.go,_pb2.py,_pb2_grpc.py}",
] as const;

/** The last event that the server has received from a client in a workspace. */
const SeenHook = Type.Object({
  workspace: Type.String(),
  checkout: Type.Union([Type.String(), Type.Null()]),
  event: Type.String(),
  at: Timestamp,
});

/** A path that was denied to an agent several times within an hour, and would still be denied now. */
const HookDenial = Type.Object({
  client: Type.Enum([...HOOK_CLIENTS]),
  instance: Holder,
  workspace: Type.String(),
  path: Type.String(),
  /**
   * The instance whose lease blocks the path. It is null if the path was denied only because the agent has no lease of
   * its own.
   */
  holder: Type.Union([Holder, Type.Null()]),
  lease_id: Type.Union([Type.String(), Type.Null()]),
  count: Type.Integer({ minimum: HOOK_DENIALS_COUNT_MIN }),
  first_at: Timestamp,
  last_at: Timestamp,
});
export type HookDenial = Static<typeof HookDenial>;

/** An agent that waits for an automatic lease. */
const HookWait = Type.Object({
  instance: Holder,
  workspace: Type.String(),
  resource: Type.String({ description: "The first resource of the lease." }),
  holder: Holder,
  lease_id: Type.String(),
});
export type HookWait = Static<typeof HookWait>;

/**
 * The answer of `GET /api/hooks`. It has the last event from each client in each workspace since the server's start.
 */
export const HookList = Type.Object({
  clients: Type.Array(
    Type.Object({
      client: Type.Enum([...HOOK_CLIENTS]),
      events: Type.Array(Type.String()),
      form: Type.Enum([...HOOK_FORMS]),
      seen: Type.Array(SeenHook),
    }),
  ),
  denials: Type.Array(HookDenial, {
    description: "The denials that an agent was given again and again, the newest first.",
    maxItems: HOOK_DENIALS_LISTED_MAX,
  }),
  waits: Type.Array(HookWait, {
    description: "The agents that wait for an automatic lease of another one.",
    maxItems: HOOK_WAITS_LISTED_MAX,
  }),
});
export type HookList = Static<typeof HookList>;
