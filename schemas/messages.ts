/** Defines the shapes of docs/http-api.md "Messages" and of the RPC methods for messages. */
import * as Type from "typebox";
import type { Static } from "typebox";
import { Switch, Timestamp } from "./common.js";
import { JsonText } from "./json-text.js";
import { REQUEST_ID_BYTES_MAX } from "./limits/idempotency.js";
import {
  MESSAGE_BODY_BYTES_MAX,
  MESSAGE_DATA_BYTES_MAX,
  MESSAGE_EXPIRES_S_MAX,
  MESSAGE_NOTE_BYTES_MAX,
  MESSAGE_RECIPIENTS_MAX,
  MESSAGE_ROWS_MAX,
  MESSAGE_SUBJECT_BYTES_MAX,
  MESSAGE_THREAD_BYTES_MAX,
  MESSAGE_TO_BYTES_MAX,
  MESSAGES_MARKED_MAX,
} from "./limits/messages.js";
import { LONG_POLL_WAIT_S_MAX } from "./limits/wait.js";
import { Name, Text } from "./text.js";

export const MESSAGE_INTENTS = ["inform", "request", "ack"] as const;
export const MESSAGE_IMPORTANCES = ["normal", "high"] as const;
/**
 * The two kinds of message boxes. A message is in the in-box of each of its recipients, and in the out-box of its
 * sender.
 */
export const MESSAGE_BOXES = ["in", "out"] as const;
export type MessageBoxName = (typeof MESSAGE_BOXES)[number];
export const MESSAGE_MARKS = ["read", "acked"] as const;

/** Matches a message's id. The number in the id is the row of the message. */
export const MESSAGE_ID = /^message-([1-9]\d{0,14})$/;

const Intent = Type.Enum([...MESSAGE_INTENTS]);
const Importance = Type.Enum([...MESSAGE_IMPORTANCES]);
const Thread = Name(MESSAGE_THREAD_BYTES_MAX);
const To = Name(MESSAGE_TO_BYTES_MAX, "An instance's id, `name:N` or `workspace:W`.");

export const MessageBody = Type.Object({
  to: Type.Union([To, Type.Array(To, { minItems: 1, maxItems: MESSAGE_RECIPIENTS_MAX })]),
  subject: Name(MESSAGE_SUBJECT_BYTES_MAX),
  body: Type.Optional(Text({ charactersMax: MESSAGE_BODY_BYTES_MAX })),
  intent: Type.Optional(Type.Enum([...MESSAGE_INTENTS], { default: "inform" })),
  thread: Type.Optional(Thread),
  reply_to: Type.Optional(Name(MESSAGE_THREAD_BYTES_MAX, "The id of a message that the sender got or sent.")),
  data: Type.Optional(Type.Unknown({ description: `JSON of at most ${MESSAGE_DATA_BYTES_MAX} bytes.` })),
  importance: Type.Optional(Type.Enum([...MESSAGE_IMPORTANCES], { default: "normal" })),
  expires_in_s: Type.Optional(Type.Integer({ minimum: 1, maximum: MESSAGE_EXPIRES_S_MAX })),
  request_id: Type.Optional(Name(REQUEST_ID_BYTES_MAX, "A repeated call gets the answer of the first one.")),
});
export type MessageBody = Static<typeof MessageBody>;

const Party = Type.Object({ id: Type.String(), name: Type.String() });

export const MessageSent = Type.Object({ id: Type.String(), thread: Type.String(), to: Type.Array(Party) });
export type MessageSent = Static<typeof MessageSent>;
/**
 * The answer to a sent message, with its recipients. A recipient has a `status` only if the sender named the recipient
 * and the recipient is not active.
 */
export const MessageSentAnswer = Type.Object({
  id: Type.String(),
  thread: Type.String(),
  to: Type.Array(
    Type.Object({ id: Type.String(), name: Type.String(), status: Type.Optional(Type.Enum(["pending", "stale"])) }),
  ),
});

const TimeOrNull = Type.Union([Timestamp, Type.Null()]);

const Recipient = Type.Object({
  id: Type.String(),
  name: Type.String(),
  delivered_at: TimeOrNull,
  read_at: TimeOrNull,
  acked_at: TimeOrNull,
  note: Type.Union([Type.String(), Type.Null()]),
});

const HEADING = {
  id: Type.String(),
  thread: Type.String(),
  reply_to: Type.Union([Type.String(), Type.Null()]),
  from: Party,
  to: Type.Array(Recipient, { description: "In an in-box, only its owner." }),
  subject: Type.String(),
  intent: Intent,
  importance: Importance,
  data: Type.Unknown({ description: "The value as it was sent; null if there was none." }),
  sent_at: Timestamp,
};
export const Message = Type.Object({ ...HEADING, body: Type.String() });
/** A message without its body. A client that waits for messages gets them in this form. */
export const MessageHeading = Type.Object(HEADING);

export const MessageList = Type.Object({
  messages: Type.Array(Message),
  last_id: Type.Union([Type.String(), Type.Null()], {
    description: "The newest of these messages; if there is none, the `after` of the request.",
  }),
  lagged: Type.Optional(
    Type.Literal(true, {
      description: "`after` is ahead of the newest message, as after a restore: the page begins with the box's first.",
    }),
  ),
});

const Rows = Type.Integer({ minimum: 1, maximum: MESSAGE_ROWS_MAX });

export const MessageQuery = Type.Object({
  box: Type.Optional(
    Type.Unsafe<MessageBoxName>({
      type: "string",
      pattern: `^(${MESSAGE_BOXES.join("|")})$`,
      default: "in",
      "x-refusal": `box must be ${MESSAGE_BOXES.join(" or ")}`,
    }),
  ),
  unread: Type.Optional(Switch),
  thread: Type.Optional(Text({ charactersMax: MESSAGE_THREAD_BYTES_MAX, line: true })),
  after: Type.Optional(
    Type.Unsafe<string>({
      type: "string",
      pattern: MESSAGE_ID.source,
      "x-refusal": "after must be the id of a message",
    }),
  ),
  wait: Type.Optional(Type.Integer({ minimum: 0, maximum: LONG_POLL_WAIT_S_MAX })),
  limit: Type.Optional(Rows),
});
export type MessageQuery = Static<typeof MessageQuery>;

const MessageBefore = Type.Unsafe<string>({
  type: "string",
  pattern: MESSAGE_ID.source,
  "x-refusal": "before must be the id of a message",
});

export const AllMessagesQuery = Type.Object({
  instance: Type.Optional(Type.String()),
  thread: Type.Optional(Text({ charactersMax: MESSAGE_THREAD_BYTES_MAX, line: true })),
  unread: Type.Optional(Switch),
  urgent: Type.Optional(Switch),
  before: Type.Optional(MessageBefore),
  limit: Type.Optional(Rows),
});
export type AllMessagesQuery = Static<typeof AllMessagesQuery>;
export const AllMessages = Type.Object({ messages: Type.Array(Message, { description: "Newest first." }) });

export const MarkBody = Type.Object({
  ids: Type.Array(Name(MESSAGE_THREAD_BYTES_MAX), { minItems: 1, maxItems: MESSAGES_MARKED_MAX }),
  as: Type.Enum([...MESSAGE_MARKS]),
  note: Type.Optional(Text({ charactersMax: MESSAGE_NOTE_BYTES_MAX })),
});
export type MarkBody = Static<typeof MarkBody>;
export const MarkAnswer = Type.Object({ marked: Type.Integer({ minimum: 0 }) });

export const ThreadQuery = Type.Object({ before: Type.Optional(MessageBefore), limit: Type.Optional(Rows) });

export const MessageThread = Type.Object({
  thread: Type.String(),
  subject: Type.String({ description: "The subject of the oldest of the caller's messages in it." }),
  with: Type.Array(Party),
  messages: Type.Integer({ minimum: 1 }),
  unread: Type.Integer({ minimum: 0 }),
  last_at: Timestamp,
});
export const ThreadList = Type.Object({ threads: Type.Array(MessageThread) });

const Row = Type.Integer({ minimum: 1 });
const TextOrNull = Type.Union([Type.String(), Type.Null()]);
const RowOrNull = Type.Union([Row, Type.Null()]);

/**
 * Sends a message to recipients whose names were already looked up. In a recipient, `to` is the name that the sender
 * wrote. `nobody` is the first name from the sender that matches no instance. `data` is JSON text.
 */
export const SendRequest = Type.Object({
  /**
   * Whether the server requires tokens. If true, the event about the message omits the subject, because every client
   * can read the event.
   */
  guarded: Type.Boolean(),
  sender: Party,
  to: Type.Array(Type.Object({ id: Type.String(), name: Type.String(), to: Type.String() })),
  nobody: TextOrNull,
  subject: Type.String(),
  body: Type.String(),
  intent: Intent,
  importance: Importance,
  thread: TextOrNull,
  reply_to: RowOrNull,
  data: Type.Union([JsonText(Type.Unknown()), Type.Null()]),
  expires_in_s: Type.Union([Type.Integer({ minimum: 1 }), Type.Null()]),
  request_id: TextOrNull,
  /**
   * The hash of the request (src/features/idempotency/hash.ts). It is absent or "" if the request has no request_id.
   */
  request_hash: Type.Optional(Type.String()),
});
export type SendRequest = Static<typeof SendRequest>;

/** The reply with the sent message. `made` is false if an earlier identical call had already sent it. */
export const SendReply = Type.Object({ ...MessageSent.properties, made: Type.Boolean() });
export type SendReply = Static<typeof SendReply>;

/** Records that messages in the in-box of `instance` were delivered. `messages` has the rows of the messages. */
export const DeliverRequest = Type.Object({ instance: Type.String(), messages: Type.Array(Row) });
export type DeliverRequest = Static<typeof DeliverRequest>;

export const MarkRequest = Type.Object({
  instance: Type.String(),
  messages: Type.Array(Row),
  as: Type.Enum([...MESSAGE_MARKS]),
  note: TextOrNull,
});
export type MarkRequest = Static<typeof MarkRequest>;
/** The reply with the ids of the messages that changed. */
export const MarkReply = Type.Object({ ids: Type.Array(Type.String()) });
export type MarkReply = Static<typeof MarkReply>;

export const PruneMessagesReply = Type.Object({ removed: Type.Integer({ minimum: 0 }), more: Type.Boolean() });
export type PruneMessagesReply = Static<typeof PruneMessagesReply>;

const BOX = {
  instance: Type.String(),
  box: Type.Enum([...MESSAGE_BOXES]),
  unread: Type.Boolean(),
  thread: TextOrNull,
  /** The row after which the page begins; 0 for the first page. */
  after: Type.Integer({ minimum: 0 }),
  limit: Type.Integer({ minimum: 1 }),
  /** The current time in ms. Messages that have expired by this time are left out. */
  nowMs: Type.Integer(),
};

/** Selects one page of messages from a box. */
export const PageRequest = Type.Object(BOX);
export type PageRequest = Static<typeof PageRequest>;
/**
 * Describes a page of messages. `count` is the number of messages in the page, and `last` is the last row (null for an
 * empty page). `undelivered` has the rows of the messages that no earlier page has delivered. `cut` is true if the page
 * ends at its limit, or before it because its messages are long. More messages may then follow.
 */
export const PageReply = Type.Object({
  cut: Type.Boolean(),
  count: Type.Integer({ minimum: 0 }),
  last: RowOrNull,
  undelivered: Type.Array(Row),
});
export type PageReply = Static<typeof PageReply>;

/**
 * Selects the messages of a page up to the row `up_to`. If `up_to` is null, it selects all messages after the start of
 * the page.
 */
export const ListRequest = Type.Object({
  ...BOX,
  up_to: Type.Union([Type.Integer({ minimum: 0 }), Type.Null()]),
  /** Whether more messages may follow the row `up_to`. */
  cut: Type.Boolean(),
});
export type ListRequest = Static<typeof ListRequest>;

/** Selects messages of all instances. A null `instance` or `thread` does not filter. */
export const AllMessagesRequest = Type.Object({
  instance: TextOrNull,
  thread: TextOrNull,
  unread: Type.Boolean(),
  urgent: Type.Boolean(),
  /** Selects only messages whose row is smaller than this. */
  before: Row,
  limit: Type.Integer({ minimum: 1 }),
  nowMs: Type.Integer(),
});
export type AllMessagesRequest = Static<typeof AllMessagesRequest>;

export const ThreadsRequest = Type.Object({
  instance: Type.String(),
  /** Selects only threads whose newest message has a row smaller than this. */
  before: Row,
  limit: Type.Integer({ minimum: 1 }),
  nowMs: Type.Integer(),
});
export type ThreadsRequest = Static<typeof ThreadsRequest>;

/**
 * The push message about the message boxes that a commit has changed. `in` and `out` name the owners of the in-boxes
 * and out-boxes that have new messages. `unread` is the number of all unread messages.
 *
 * `expires_at` is the time in ms at which the next message expires; null if none does.
 */
export const BoxesPush = Type.Object({
  in: Type.Array(Type.String()),
  out: Type.Array(Type.String()),
  unread: Type.Integer({ minimum: 0 }),
  expires_at: Type.Union([Type.Integer(), Type.Null()]),
});
export type BoxesPush = Static<typeof BoxesPush>;
