/** Limits of events and of their subscribers: connections, buffers, pages and retention. */
import { KIB, MIB } from "./units.js";

export const EVENT_ROWS_DEFAULT = 50;
export const PUBLISH_EVENTS_MAX = 1000;

// Subscribers
/** The maximum number of subscribers to events: WebSockets, event streams and long polls together. */
export const SUBSCRIBERS_MAX = 10_000;
/**
 * The maximum length of the distinct patterns of all subscribers together. The index takes up to 32 bytes for each
 * character.
 */
export const SUBSCRIBED_PATTERNS_CHARACTERS_MAX = 1 * MIB;
/**
 * The maximum number of steps to find the subscribers of one event (src/platform/topics/pattern-index.ts). A step takes
 * about 0.04 µs, so the worst event takes the front about 20 ms. The front does other work between two events.
 *
 * 10,000 ordinary patterns take 20 steps. 10,000 patterns with several wildcards in each segment take 40,000 steps if
 * their literals differ. If the literals are equal, a few hundred of these patterns take all steps.
 */
export const SUBSCRIBED_PATTERN_STEPS_MAX = 512 * KIB;
export const SUBSCRIBER_BUFFER_EVENTS_MAX = 64;
/**
 * The maximum number of bytes buffered for one slow subscriber. A single event of any size fits into an empty buffer.
 */
export const SUBSCRIBER_BUFFER_BYTES_MAX = 32 * MIB;
/**
 * The maximum number of bytes in the buffers of all slow subscribers together. An event counts once even if several
 * subscribers wait for it.
 */
export const SUBSCRIBERS_BEHIND_BYTES_MAX = 128 * MIB;
/**
 * The maximum number of unsent bytes of all sockets and streams together. Above it, the server closes the next socket
 * to which it writes.
 */
export const SOCKET_BUFFERS_BYTES_MAX = 256 * MIB;
/**
 * The maximum number of events that wait to be sent to subscribers; EVENTS_UNSENT_BYTES_MAX limits their size. The
 * front sends in time slices, so the events of many large publishes wait for each other.
 *
 * Above half of a limit, the server rejects publishes. At the limit, it also rejects every other write, because each
 * write may publish events of the server.
 */
export const EVENTS_UNSENT_MAX = 65_536;
export const EVENTS_UNSENT_BYTES_MAX = 32 * MIB;
/**
 * The maximum number of events that the hub sends to all subscribers in one step. RUN_CHARACTERS_MAX limits their
 * length. The limits keep each step short, and the memory for encoded events small.
 */
export const RUN_EVENTS_MAX = 1_000;
export const RUN_CHARACTERS_MAX = 1 * MIB;
/**
 * Consecutive events are written to one stream in pieces of this size. A larger event is a piece of its own. A client
 * may stop reading after any piece, so a slow stream holds at most one piece.
 */
export const EVENT_PIECE_CHARACTERS = 16 * KIB;
export const SUBSCRIBER_MESSAGE_BYTES_MAX = 16 * KIB;
/**
 * A message from a client may have at most SUBSCRIBER_MESSAGE_BYTES_MAX. Up to this size, a longer message is still
 * received as a whole, so that the server can close the socket with code 1009.
 */
export const SUBSCRIBER_MESSAGE_RECEIVED_BYTES_MAX = 1 * MIB;
/**
 * The maximum number of frames from a WebSocket client in one second: messages, pings and pongs together. Each frame
 * costs a call on the front, whatever its size. A client needs to send only the answers to pings.
 */
export const SUBSCRIBER_FRAMES_PER_SECOND_MAX = 100;
export const SUBSCRIBER_IDLE_TIMEOUT_S = 120;
/** The time that a WebSocket client gets to answer a close frame. After that, the server closes the connection. */
export const SOCKET_CLOSE_MS_MAX = 1_000;
export const SSE_COMMENT_INTERVAL_MS = 15_000;
/**
 * The maximum number of comments that are sent to event streams in one event-loop tick. They are sent ten times a
 * second.
 */
export const SSE_COMMENTS_PER_TICK = 256;
/** The maximum number of WebSockets that are pinged in one event-loop tick. */
export const PINGS_PER_TICK = 256;
export const REPLAY_PAGE_EVENTS = 64;
/**
 * The size of the pages in which a replay reads events. A page ends with the event that exceeds this size. Each step of
 * a replay reads one page, and keeps none of it.
 */
export const REPLAY_PAGE_CHARACTERS_MAX = 128 * KIB;
/**
 * The size of the pages in which events for subscribers are read. A page ends with the event that exceeds this size, so
 * it is at most twice as large as a large event.
 */
export const EVENT_PAGE_CHARACTERS_MAX = 1 * MIB;
export const EVENT_PRUNE_INTERVAL_MS = 60_000;
export const EVENT_PRUNE_ROWS = 2_000;
export const EVENT_HISTORY_DEFAULT = 1_000;
/** The number of topics for which the hub caches the matching patterns. */
export const TOPIC_CACHE_TOPICS_MAX = 4_096;
/** The maximum number of cached patterns, over all topics. The references to them take 2 MiB. */
export const TOPIC_CACHE_MATCHES_MAX = 262_144;
