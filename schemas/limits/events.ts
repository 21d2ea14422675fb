/** Limits of events and of their subscribers: connections, buffers, pages and retention. */
import { KIB, MIB } from "./units.js";

export const EVENT_ROWS_DEFAULT = 50;
export const PUBLISH_EVENTS_MAX = 1000;

// Subscribers
/** The most subscribers to events: WebSockets, event streams and long polls together. */
export const SUBSCRIBERS_MAX = 10_000;
/**
 * The characters of the distinct patterns of all subscribers together. The index takes up to 32 bytes for each
 * character.
 */
export const SUBSCRIBED_PATTERNS_CHARACTERS_MAX = 1 * MIB;
export const SUBSCRIBER_BUFFER_EVENTS_MAX = 64;
/** The bytes that are buffered for one slow subscriber. A single event of any size fits into an empty buffer. */
export const SUBSCRIBER_BUFFER_BYTES_MAX = 32 * MIB;
/**
 * The bytes in the buffers of all slow subscribers together. An event that several subscribers wait for counts once.
 */
export const SUBSCRIBERS_BEHIND_BYTES_MAX = 128 * MIB;
/**
 * The unsent bytes of all sockets and streams together. When they are exceeded, the next socket to which data is
 * written is closed.
 */
export const SOCKET_BUFFERS_BYTES_MAX = 256 * MIB;
export const SUBSCRIBER_MESSAGE_BYTES_MAX = 16 * KIB;
/**
 * A client's message of at most this size is received as a whole, so that the server can close the socket with code
 * 1009.
 */
export const SUBSCRIBER_MESSAGE_RECEIVED_BYTES_MAX = 1 * MIB;
/**
 * The frames of a WebSocket client in one second: messages, pings and pongs together. Each costs a call on the front,
 * whatever its size. A client has to send nothing but the answers to pings.
 */
export const SUBSCRIBER_FRAMES_PER_SECOND_MAX = 100;
export const SUBSCRIBER_IDLE_TIMEOUT_S = 120;
/** The time that a WebSocket client gets to answer a close frame. After that, its connection is cut. */
export const SOCKET_CLOSE_MS_MAX = 1_000;
export const SSE_COMMENT_INTERVAL_MS = 15_000;
export const REPLAY_PAGE_EVENTS = 64;
/**
 * The events for subscribers are read in pages of this size. A page includes the event that exceeds it, so a page has
 * at most twice the size of a large event.
 */
export const EVENT_PAGE_CHARACTERS_MAX = 1 * MIB;
export const EVENT_PRUNE_INTERVAL_MS = 60_000;
export const EVENT_PRUNE_ROWS = 2_000;
export const EVENT_HISTORY_DEFAULT = 1_000;
/** Topics whose matching patterns the hub caches. */
export const TOPIC_CACHE_TOPICS_MAX = 4_096;
/** The most matches that all caches of topics hold together. The references to them take 2 MiB. */
export const TOPIC_CACHE_MATCHES_MAX = 262_144;
