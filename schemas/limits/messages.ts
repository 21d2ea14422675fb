/** Limits of messages between instances, and of their in-boxes. */
import { INSTANCE_LABEL_BYTES_MAX } from "./instances.js";
import { KIB } from "./units.js";

/** The maximum number of messages or threads in an answer if the client names no limit. */
export const MESSAGE_ROWS_DEFAULT = 100;
export const MESSAGE_ROWS_MAX = 10_000;
/**
 * The front itself reads pages of at most this many messages. The pool reads longer pages, because each message may be
 * 128 KiB.
 */
export const MESSAGES_ON_FRONT_MAX = 16;
export const MESSAGE_SUBJECT_BYTES_MAX = 512;
export const MESSAGE_BODY_BYTES_MAX = 64 * KIB;
/** The maximum size of a message's data, as JSON. */
export const MESSAGE_DATA_BYTES_MAX = 64 * KIB;
export const MESSAGE_THREAD_BYTES_MAX = 128;
export const MESSAGE_NOTE_BYTES_MAX = 4 * KIB;
export const MESSAGE_RECIPIENTS_MAX = 256;
/** The maximum size of a message's recipient: a name or a workspace, with its prefix. */
export const MESSAGE_TO_BYTES_MAX = "workspace:".length + INSTANCE_LABEL_BYTES_MAX;
/** The maximum number of unread messages in one in-box. */
export const IN_BOX_UNREAD_MAX = 1_000;
/** The maximum number of messages that one call marks. This is the capacity of an in-box. */
export const MESSAGES_MARKED_MAX = IN_BOX_UNREAD_MAX;
export const MESSAGE_DAYS = 30;
export const MESSAGE_EXPIRES_S_MAX = MESSAGE_DAYS * 24 * 60 * 60;
export const MESSAGE_PRUNE_INTERVAL_MS = 60_000;
/** The maximum number of copies of messages that one call deletes. Other writes run between the calls. */
export const MESSAGE_PRUNE_COPIES = 2_000;
