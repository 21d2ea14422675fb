/**
 * Defines the shapes of docs/http-api.md "Changes". These are the messages to clients that watch changes, and the
 * writer's push message about a commit.
 */
import * as Type from "typebox";
import type { Static } from "typebox";
import { CHANGE_KINDS_BYTES_MAX } from "./limits/changes.js";
import { Text } from "./text.js";

/** The kinds of stored objects whose changes are reported. */
export const CHANGE_KINDS = [
  "state",
  "spec",
  "rule",
  "template",
  "webhook",
  "instance",
  "lease",
  "radar",
  "task",
  "evidence",
  "message",
  "event",
  "usage",
  "budget",
  "rate_limit",
  "agent_metric",
  "compliance",
  "audit",
] as const;
export type ChangeKind = (typeof CHANGE_KINDS)[number];

/**
 * The kinds of objects that a client can watch. A contract is stored as a spec. So a client that watches both kinds
 * gets two messages for each change of a contract.
 */
export const ASKED_KINDS = [...CHANGE_KINDS, "contract"] as const;
export type AskedKind = (typeof ASKED_KINDS)[number];

const ANY_KIND = `(?:${ASKED_KINDS.join("|")})`;

export const ChangesQuery = Type.Object({
  kinds: Type.Optional(
    Text({
      charactersMax: CHANGE_KINDS_BYTES_MAX,
      promisedPattern: `^(?:${ANY_KIND}(?:,${ANY_KIND}){0,${ASKED_KINDS.length - 1}})?$`,
      description: `Kinds, separated by commas: ${ASKED_KINDS.join(", ")}. Empty: all; a contract is a spec.`,
    }),
  ),
});

const Key = Type.Union([Type.String(), Type.Null()]);
const Version = Type.Union([Type.Integer({ minimum: 0 }), Type.Null()]);

/**
 * A message of the change feed. `key` is null if any value of the kind may have changed. `version` is null if the value
 * was deleted, or if values of the kind have no versions. A `lagged` message means that changes of any kind may be
 * missing.
 */
export const ChangeMessage = Type.Union([
  Type.Object({ kind: Type.Enum(ASKED_KINDS), key: Key, version: Version }),
  Type.Object({ kind: Type.Literal("lagged") }),
]);
export type ChangeMessage = Static<typeof ChangeMessage>;

export const Change = Type.Object({ kind: Type.Enum(CHANGE_KINDS), key: Key, version: Version });
export type Change = Static<typeof Change>;

/** The changes of a commit. `left_out` names the kinds whose changed objects are not all listed. */
export const ChangesPush = Type.Object({
  changes: Type.Array(Change),
  left_out: Type.Array(Type.Enum(CHANGE_KINDS)),
});
export type ChangesPush = Static<typeof ChangesPush>;
