/** Limits of webhooks: their queues, deliveries, retries and dead letters. */
import { KIB, MIB } from "./units.js";

export const WEBHOOKS_MAX = 1_000;
export const WEBHOOK_ID_BYTES_MAX = 256;
export const WEBHOOK_SECRET_BYTES_MAX = 1024;
export const WEBHOOK_PATTERNS_MAX = 100;
/**
 * The maximum length of the patterns of all webhooks together. The patterns of subscribers have a separate limit,
 * SUBSCRIBED_PATTERNS_CHARACTERS_MAX.
 */
export const WEBHOOK_PATTERNS_CHARACTERS_MAX = 1 * MIB;
/**
 * The maximum number of steps to find the webhooks that match one event (src/platform/topics/pattern-index.ts). The
 * writer takes these steps for each event.
 *
 * A step takes about 0.04 µs, so an event takes at most about 0.16 ms. A publish request of 1000 of these events keeps
 * the writer busy for 0.16 s. 10,000 ordinary patterns take 20 steps.
 */
export const WEBHOOK_PATTERN_STEPS_MAX = 4 * KIB;
export const WEBHOOK_QUEUE_ROWS_MAX = 10_000;
/** The maximum size of a webhook's queue. A single event of any size fits into an empty queue. */
export const WEBHOOK_QUEUE_BYTES_MAX = 64 * MIB;
/**
 * The maximum number of events in the queues of all webhooks together. WEBHOOK_BODIES_STORED_BYTES_MAX limits the
 * bodies that are stored for the queues and for the dead letters. A body is stored once for all webhooks.
 *
 * Even at these limits, each webhook's queue still takes WEBHOOK_QUEUE_ROWS_LEAST events and WEBHOOK_QUEUE_BYTES_LEAST
 * bytes. So receivers that are offline do not block the receivers that are online.
 */
export const WEBHOOK_QUEUES_ROWS_MAX = 200_000;
export const WEBHOOK_BODIES_STORED_BYTES_MAX = 1 * KIB * MIB;
export const WEBHOOK_QUEUE_ROWS_LEAST = 100;
export const WEBHOOK_QUEUE_BYTES_LEAST = 1 * MIB;
/** The time limit for one delivery attempt, from the DNS lookup to the last byte of the answer. */
export const WEBHOOK_TIMEOUT_MS = 10_000;
/**
 * The maximum number of bytes of a receiver's answer that are read. Only the answer's status counts. The rest is read
 * so that the connection can be reused.
 */
export const WEBHOOK_ANSWER_BYTES_MAX = 256 * KIB;
/**
 * A webhook is disabled after this many consecutive failures. With the longest delay between attempts, that takes at
 * least three days.
 */
export const WEBHOOK_FAILURES_MAX = 400;
/**
 * The budget for failed deliveries of one event. When the budget is used up, the event becomes a dead letter.
 *
 * An answer such as 503, or no answer in time, costs one, so the budget lasts at least a day. An answer that rejects
 * the event (a 3xx or 4xx) costs WEBHOOK_REFUSAL_COST, so the budget lasts about an hour. A receiver that cannot be
 * reached costs nothing.
 */
export const WEBHOOK_EVENT_BUDGET = 144;
export const WEBHOOK_REFUSAL_COST = 9;
/**
 * The maximum number of dead letters of one webhook. The size of their bodies has the same limit as the webhook's queue
 * (WEBHOOK_QUEUE_BYTES_MAX).
 */
export const WEBHOOK_DEAD_LETTERS_MAX = 100;
/** The number of deliveries that the log of one webhook keeps. */
export const WEBHOOK_LOG_ROWS = 100;
/** The maximum length of the message of a failed delivery, which becomes a webhook's `last_error`. */
export const WEBHOOK_ERROR_CHARS_MAX = 300;
/**
 * The maximum length of a chain of deliveries. In a chain, each delivery has led to the event of the next one. A
 * webhook that would make the chain longer is disabled.
 */
export const WEBHOOK_HOPS_MAX = 16;
/**
 * The delay before the first retry is chosen at random between this and WEBHOOK_RETRY_MS_MAX. It doubles with each
 * further retry.
 */
export const WEBHOOK_RETRY_MS_MIN = 300;
export const WEBHOOK_RETRY_MS_MAX = 400;
export const WEBHOOK_RETRY_DELAY_MS_MAX = 15 * 60_000;
/** The server obeys a receiver's `Retry-After` up to this time. It shortens a longer one. */
export const WEBHOOK_RETRY_AFTER_MS_MAX = 60 * 60_000;
/** The maximum length of a redirect's `Location` that a webhook's `last_error` quotes. */
export const WEBHOOK_LOCATION_CHARS_MAX = 200;
/**
 * The maximum number of webhook requests in flight. Each webhook may have one. So no receiver waits for another one if
 * there are enough descriptors.
 */
export const WEBHOOK_REQUESTS_MAX = WEBHOOKS_MAX;
/** The maximum number of deliveries that start in one tick of the front. */
export const WEBHOOK_STARTS_PER_TICK = 8;
/** The maximum number of deliveries whose results are not stored yet. After a crash, these deliveries are repeated. */
export const WEBHOOK_PROGRESS_ROWS = 256;
/** The maximum size of a small body, which is always sent. Larger bodies share the limit WEBHOOK_BODIES_BYTES_MAX. */
export const WEBHOOK_SMALL_BODY_BYTES = 64 * KIB;
export const WEBHOOK_BODIES_BYTES_MAX = 64 * MIB;
/** The maximum number of test deliveries in flight. */
export const WEBHOOK_TESTS_MAX = 16;
