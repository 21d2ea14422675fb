/** Defines the shapes of docs/http-api.md "Instances" and of the RPC methods for instances. */
import * as Type from "typebox";
import type { Static } from "typebox";
import { Timestamp, nullable } from "./common.js";
import {
  CAPABILITY_BYTES_MAX,
  CHECKOUT_ID_CHARACTERS_MAX,
  CHECKOUT_TEXT_BYTES_MAX,
  INSTANCE_BUSY_S_MAX,
  INSTANCE_CAPABILITIES_MAX,
  INSTANCE_INTENT_BYTES_MAX,
  INSTANCE_LABEL_BYTES_MAX,
} from "./limits/instances.js";
import { ACCOUNT_CHARACTERS_MAX } from "./limits/rate-limits.js";
import { Name, Text, type TextRules } from "./text.js";

export const INSTANCE_STATUSES = ["pending", "active", "stale"] as const;
export type InstanceStatus = (typeof INSTANCE_STATUSES)[number];

const Label = Text({ charactersMax: INSTANCE_LABEL_BYTES_MAX, line: true });
const Intent = Text({ charactersMax: INSTANCE_INTENT_BYTES_MAX });
const Account = nullable(
  Name(ACCOUNT_CHARACTERS_MAX, "The account with a provider of language models, e.g. `anthropic:team-a`."),
);
const Capabilities = Type.Array(Name(CAPABILITY_BYTES_MAX), { maxItems: INSTANCE_CAPABILITIES_MAX });

export const CHECKOUT_ID = {
  charactersMax: CHECKOUT_ID_CHARACTERS_MAX,
  required: true,
  // The description in the published schema contains only the pattern, so the pattern also limits the length.
  pattern: {
    source: `^[a-z0-9-]{0,${CHECKOUT_ID_CHARACTERS_MAX}}$`,
    says: "may have only the characters a-z, 0-9 and -",
  },
} as const satisfies TextRules;
/** The rules for the branch, the root and the machine of a checkout. */
export const CHECKOUT_TEXT = {
  charactersMax: CHECKOUT_TEXT_BYTES_MAX,
  bytesMax: CHECKOUT_TEXT_BYTES_MAX,
  // The published schema can limit only the number of characters. A character takes at most four bytes, so a text of
  // this many characters always fits.
  promisedCharactersMax: CHECKOUT_TEXT_BYTES_MAX / 4,
  line: true,
} as const satisfies TextRules;
export const CheckoutId = Text(CHECKOUT_ID);
const CheckoutText = Text(CHECKOUT_TEXT);
/** The checkout in a request of a client. A member that is left out keeps its value. */
const CheckoutBody = Type.Object({
  id: CheckoutId,
  branch: Type.Optional(nullable(CheckoutText)),
  root: Type.Optional(nullable(CheckoutText)),
  machine: Type.Optional(nullable(CheckoutText)),
});
export type CheckoutBody = Static<typeof CheckoutBody>;

/** One working tree on one machine. The client chooses the id. */
const CHECKOUT = {
  id: Type.String(),
  branch: nullable(Type.String()),
  root: nullable(Type.String()),
  machine: nullable(Type.String()),
};
export const Checkout = Type.Object(CHECKOUT);
export type Checkout = Static<typeof Checkout>;

const INSTANCE = {
  id: Type.String({ format: "uuid" }),
  name: Type.String(),
  workspace: Type.String(),
  intent: Type.String(),
  stack: Type.String(),
  capabilities: Type.Array(Type.String()),
  checkout: nullable(Type.Object(CHECKOUT, { description: "The working tree in which it works." })),
  parent: nullable(Type.String({ format: "uuid", description: "The instance whose subagent it is." })),
  status: Type.Enum([...INSTANCE_STATUSES]),
  registered_at: Timestamp,
  last_seen: Timestamp,
};
/** The members that only some instances have. In the other instances they are absent. */
const SPARSE = {
  registered_by: Type.Optional(
    Type.String({
      format: "uuid",
      description: "The instance whose token registered it, or whose subagent it is. It is deleted with that instance.",
    }),
  ),
  account: Type.Optional(Type.String({ description: "The account whose rate limits it shares." })),
  client: Type.Optional(
    Type.String({ description: "The client of its session. It is deleted after a day of silence." }),
  ),
};
export const Instance = Type.Object({ ...INSTANCE, ...SPARSE });
export const InstanceList = Type.Array(Instance);
export const RegisteredInstance = Type.Object({
  ...INSTANCE,
  ...SPARSE,
  token: Type.String({ description: "Told once, here." }),
});

export const RegisterBody = Type.Object({
  name: Name(INSTANCE_LABEL_BYTES_MAX),
  workspace: Type.Optional(Label),
  intent: Type.Optional(Intent),
  stack: Type.Optional(Label),
  capabilities: Type.Optional(Capabilities),
  checkout: Type.Optional(nullable(CheckoutBody)),
  account: Type.Optional(Account),
});
export type RegisterBody = Static<typeof RegisterBody>;

/** A change of an instance. A member that is left out keeps its value. */
export const InstancePatch = Type.Object({
  checkout: Type.Optional(nullable(CheckoutBody)),
  account: Type.Optional(Account),
});
export type InstancePatch = Static<typeof InstancePatch>;

/** The body of a heartbeat. An empty body counts as no body. */
export const HeartbeatBody = Type.Object({
  busy_s: Type.Optional(
    Type.Integer({
      minimum: 0,
      maximum: INSTANCE_BUSY_S_MAX,
      description: "The instance counts as seen for this long.",
    }),
  ),
  branch: Type.Optional(
    Type.Union([CheckoutText, Type.Null()], { description: "The branch of its checkout. Ignored if it has none." }),
  ),
});
export type HeartbeatBody = Static<typeof HeartbeatBody>;

export const CapabilitiesBody = Type.Object({ capabilities: Capabilities });
export const IntentBody = Type.Object({ intent: Intent });

/** The filters of the list of instances. An instance is listed if it has the exact value of every given filter. */
export const InstanceQuery = Type.Object({
  name: Type.Optional(Type.String()),
  workspace: Type.Optional(Type.String()),
  stack: Type.Optional(Type.String()),
  capability: Type.Optional(Type.String()),
  checkout: Type.Optional(Type.String({ description: "The id of a checkout." })),
});

export const HeartbeatAnswer = Type.Object({ id: Type.String(), status: Type.Literal("ok") });
export const ActivateAnswer = Type.Object({ id: Type.String(), status: Type.Literal("active") });
export const CapabilitiesAnswer = Type.Object({ id: Type.String(), capabilities: Type.Array(Type.String()) });
export const IntentAnswer = Type.Object({ id: Type.String(), intent: Type.String() });
export const InstanceDeleteAnswer = Type.Object({ deleted: Type.String() });
export const LivenessAnswer = Type.Object({
  checked: Type.Literal(true),
  newly_stale: InstanceList,
  count: Type.Integer({ minimum: 0 }),
});

/**
 * Registers a new instance. `token_hash` is the SHA-256 of its token in lower-case hex; the writer never gets the
 * token. `registered_by` is the id of the instance whose token made the call. It is "" if the call had no instance's
 * token.
 */
export const RegisterRequest = Type.Object({
  id: Type.String(),
  registered_by: Type.String(),
  token_hash: Type.String(),
  name: Type.String(),
  workspace: Type.String(),
  intent: Type.String(),
  stack: Type.String(),
  capabilities: Type.Array(Type.String()),
  checkout: nullable(Checkout),
  /** The account of the instance. The member is absent in log entries of older programs, which do not know accounts. */
  account: Type.Optional(nullable(Type.String())),
});
export type RegisterRequest = Static<typeof RegisterRequest>;

/**
 * The reply with the new instance. Later calls identify the instance by `row` when they store its activity.
 * `registered_at` is in ms.
 */
export const RegisterReply = Type.Object({ row: Type.Integer({ minimum: 1 }), registered_at: Type.Integer() });
export type RegisterReply = Static<typeof RegisterReply>;

export const InstanceRequest = Type.Object({ id: Type.String() });
export type InstanceRequest = Static<typeof InstanceRequest>;
/**
 * The reply to a call that may change an instance. A call that only updates `last_seen` changes nothing in this sense.
 */
export const InstanceChanged = Type.Object({ changed: Type.Boolean() });
/**
 * Deletes an instance. This takes several calls if the instance has registered many others. `at` is null in the first
 * call. In a later call, it is the `more` of the previous reply.
 */
export const DeregisterRequest = Type.Object({ id: Type.String(), at: nullable(Type.String()) });
export type DeregisterRequest = Static<typeof DeregisterRequest>;
/**
 * The ids of the deleted instances. Each instance comes after the instances that it has registered, so the instance of
 * the request is the last. If not all are deleted yet, `more` is the id with which the next call continues.
 */
export const DeregisterReply = Type.Object({ ids: Type.Array(Type.String()), more: nullable(Type.String()) });
export type DeregisterReply = Static<typeof DeregisterReply>;
export const CapabilitiesRequest = Type.Object({ id: Type.String(), capabilities: Type.Array(Type.String()) });
export type CapabilitiesRequest = Static<typeof CapabilitiesRequest>;
/** A change of a checkout. A member that is left out keeps its value. */
export const CheckoutChange = Type.Object({
  id: Type.String(),
  branch: Type.Optional(nullable(Type.String())),
  root: Type.Optional(nullable(Type.String())),
  machine: Type.Optional(nullable(Type.String())),
});
/** A request to change the checkout of an instance. If `checkout` is null, the instance has none afterwards. */
export const CheckoutRequest = Type.Object({ id: Type.String(), checkout: nullable(CheckoutChange) });
export type CheckoutRequest = Static<typeof CheckoutRequest>;
export const AccountRequest = Type.Object({ id: Type.String(), account: nullable(Type.String()) });
export type AccountRequest = Static<typeof AccountRequest>;
export const BranchRequest = Type.Object({ id: Type.String(), branch: nullable(Type.String()) });
export type BranchRequest = Static<typeof BranchRequest>;
/** The new checkout, and the ids of the instances whose checkout has changed: the instance and its subagents. */
export const CheckoutReply = Type.Object({ checkout: nullable(Checkout), ids: Type.Array(Type.String()) });
export type CheckoutReply = Static<typeof CheckoutReply>;
export const IntentRequest = Type.Object({ id: Type.String(), intent: Type.String() });
export type IntentRequest = Static<typeof IntentRequest>;

/**
 * Marks instances as silent. Each list has one item for each instance. `last_seen` is the time in ms at which the
 * instance was last seen before it was found silent.
 */
export const SilentRequest = Type.Object({
  rows: Type.Array(Type.Integer()),
  last_seen: Type.Array(Type.Integer()),
});
export type SilentRequest = Static<typeof SilentRequest>;

/**
 * Stores the activity of instances. Each list has one item for each instance: the time at which it was last seen, and
 * the time until which it is busy. Both are in ms.
 */
export const LastSeenRequest = Type.Object({
  rows: Type.Array(Type.Integer()),
  last_seen: Type.Array(Type.Integer()),
  busy_until: Type.Array(Type.Integer()),
});
export type LastSeenRequest = Static<typeof LastSeenRequest>;

/** The instances that this call has marked as stale. */
export const StaleReply = Type.Object({ rows: Type.Array(Type.Integer()), ids: Type.Array(Type.String()) });
export type StaleReply = Static<typeof StaleReply>;
