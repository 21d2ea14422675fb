/** docs/http-api.md "Changes": what a reader is told of, and the writer's notice of a commit that it follows from. */
import * as Type from "typebox";
import type { Static } from "typebox";
import { CHANGE_KINDS_BYTES_MAX } from "./limits.js";
import { Text } from "./text.js";

/** Kinds of things that are written. */
export const CHANGE_KINDS = [
  "state",
  "spec",
  "rule",
  "template",
  "webhook",
  "instance",
  "lease",
  "task",
  "message",
  "event",
  "usage",
  "agent_metric",
  "compliance",
  "audit",
] as const;
export type ChangeKind = (typeof CHANGE_KINDS)[number];

/** What a reader may ask for: a contract is a spec, told of as either. */
export const ASKED_KINDS = [...CHANGE_KINDS, "contract"] as const;
export type AskedKind = (typeof ASKED_KINDS)[number];

const ANY_KIND = `(?:${ASKED_KINDS.join("|")})`;

export const ChangesQuery = Type.Object({
  kinds: Type.Optional(
    Text({
      characters_max: CHANGE_KINDS_BYTES_MAX,
      promised_pattern: `^(?:${ANY_KIND}(?:,${ANY_KIND}){0,${ASKED_KINDS.length - 1}})?$`,
      description: `Separated by commas, of ${ASKED_KINDS.join(", ")}; empty: all, a contract as a spec.`,
    }),
  ),
});

const Key = Type.Union([Type.String(), Type.Null()]);
const Version = Type.Union([Type.Integer({ minimum: 0 }), Type.Null()]);

/**
 * One message of the stream. `key` null: anything of the kind may be another now. `version` null: it is gone, or has
 * none. `lagged`: something was left out, of whatever kind.
 */
export const ChangeMessage = Type.Union([
  Type.Object({ kind: Type.Enum(ASKED_KINDS), key: Key, version: Version }),
  Type.Object({ kind: Type.Literal("lagged") }),
]);
export type ChangeMessage = Static<typeof ChangeMessage>;

export const Change = Type.Object({ kind: Type.Enum(CHANGE_KINDS), key: Key, version: Version });
export type Change = Static<typeof Change>;

/** `left_out`: the kinds of which more has changed than is named. */
export const ChangesPush = Type.Object({
  changes: Type.Array(Change),
  left_out: Type.Array(Type.Enum(CHANGE_KINDS)),
});
export type ChangesPush = Static<typeof ChangesPush>;
