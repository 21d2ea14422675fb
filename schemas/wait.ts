/** Defines the shapes of docs/http-api.md "Wait": the conditions that a call can wait for, and its answers. */
import * as Type from "typebox";
import type { Static } from "typebox";
import { Switch } from "./common.js";
import { Event, TopicPattern } from "./events.js";
import { Instance } from "./instances.js";
import { Lease, LeaseResource } from "./leases.js";
import { INSTANCE_LABEL_BYTES_MAX } from "./limits/instances.js";
import { KEY_BYTES_MAX } from "./limits/names.js";
import { TASK_ID_CHARACTERS_MAX } from "./limits/tasks.js";
import { LONG_POLL_WAIT_S_MAX, WAIT_CONDITIONS_MAX, WAIT_CURSOR_BYTES_MAX } from "./limits/wait.js";
import { MessageHeading } from "./messages.js";
import { RateLimit } from "./rate-limits.js";
import { StateKey } from "./state.js";
import { ListedTask } from "./tasks.js";
import { Name, Text } from "./text.js";

/** The statuses of an instance that a call can wait for. */
export const WAIT_STATUSES = ["active", "stale", "gone"] as const;
export type WaitStatus = (typeof WAIT_STATUSES)[number];

/** Returns the schema of a query parameter that may be repeated. */
function many<Item extends Type.TSchema>(item: Item) {
  return Type.Optional(Type.Array(item, { maxItems: WAIT_CONDITIONS_MAX }));
}

const DIGITS_MAX = 15;
/** The maximum size in bytes of `N:`, the prefix of a condition `N:KEY`. */
const ABOVE_BYTES = DIGITS_MAX + ":".length;

/** Returns the schema of a condition `N:KEY`. The key itself is checked when the condition is parsed. */
function above(description: string, key: string) {
  return Text({
    charactersMax: KEY_BYTES_MAX + ABOVE_BYTES,
    required: true,
    line: true,
    promisedPattern: `^[0-9]{1,${DIGITS_MAX}}:${key}$`,
    description,
  });
}

const SPEC_NAME = "[A-Za-z0-9._-]+/[A-Za-z0-9._-]+";
const SpecName = Text({
  charactersMax: KEY_BYTES_MAX,
  required: true,
  line: true,
  promisedPattern: `^${SPEC_NAME}$`,
  description: "PROJECT/NAME.",
});

export const WaitQuery = Type.Object({
  event: many(TopicPattern),
  state: many(StateKey),
  state_above: many(above("N:KEY.", "[A-Za-z0-9._/-]+")),
  state_gone: many(StateKey),
  spec: many(SpecName),
  spec_above: many(above("N:PROJECT/NAME.", SPEC_NAME)),
  spec_gone: many(SpecName),
  message: Type.Optional(Switch),
  task: Type.Optional(Switch),
  task_ended: many(Name(TASK_ID_CHARACTERS_MAX, "An id.")),
  lease: many(Name(INSTANCE_LABEL_BYTES_MAX, "An id.")),
  free: many(LeaseResource),
  instance: many(Name(INSTANCE_LABEL_BYTES_MAX, "A name or an id; with `is`.")),
  is: Type.Optional(
    Type.Unsafe<WaitStatus>({
      type: "string",
      pattern: `^(${WAIT_STATUSES.join("|")})$`,
      "x-refusal": `is must be one of ${WAIT_STATUSES.join(", ")}`,
    }),
  ),
  workspace: Type.Optional(
    Text({
      charactersMax: INSTANCE_LABEL_BYTES_MAX,
      line: true,
      description: "For `free` and `instance`; by default the caller's own.",
    }),
  ),
  after: Type.Optional(
    Text({
      charactersMax: WAIT_CURSOR_BYTES_MAX,
      promisedPattern: "^$",
      description: "The cursor of an answer; empty for none.",
    }),
  ),
  wait: Type.Optional(Type.Integer({ minimum: 0, maximum: LONG_POLL_WAIT_S_MAX, description: "Seconds." })),
});
export type WaitQuery = Static<typeof WaitQuery>;

/**
 * The parameters of a wait that are not conditions. `is` is a part of the condition `instance`. `workspace` is the
 * workspace in which the call waits. The call only considers changes after the cursor `after`, and waits at most `wait`
 * seconds.
 */
const NO_CONDITIONS = ["is", "workspace", "after", "wait"] as const;
export type WaitParameter = Exclude<keyof WaitQuery, (typeof NO_CONDITIONS)[number]>;

const Version = Type.Union([Type.Integer({ minimum: 1 }), Type.Null()], { description: "Null: it does not exist." });

/** The condition that holds. Its members depend on its kind. */
const Matched = Type.Union([
  Type.Object({ kind: Type.Literal("event"), event: Event }),
  Type.Object({ kind: Type.Enum(["state", "spec"]), key: Type.String(), version: Version }),
  Type.Object({ kind: Type.Literal("message"), message: MessageHeading }),
  Type.Object({ kind: Type.Literal("lease"), lease: Lease }),
  Type.Object({ kind: Type.Literal("task"), task: ListedTask }),
  Type.Object({ kind: Type.Literal("free"), resource: Type.String() }),
  Type.Object({ kind: Type.Literal("instance"), instance: Type.Union([Instance, Type.Null()]) }),
  Type.Object({ kind: Type.Literal("lagged") }, { description: "Anything may have happened since the cursor." }),
  Type.Null(),
]);

export const WaitAnswer = Type.Object({
  matched: Matched,
  cursor: Type.String({ description: "Continues after this answer." }),
  limited: Type.Optional(
    Type.Array(RateLimit, { description: "Rate limits of the caller's account, each once for a chain of cursors." }),
  ),
});
