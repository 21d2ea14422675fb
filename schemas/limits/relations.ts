/**
 * The relations between limits. The server checks them when it starts, so that a change of one limit cannot silently
 * break another.
 */
import { AGENT_METRICS_FLUSH_INTERVAL_MS, AGENT_TALLIES_MAX } from "./agent-metrics.js";
import { FRONT_READ_ROWS_MAX, PAGE_ROWS_MAX } from "./answers.js";
import {
  AUDIT_COUNT_DELAY_MS,
  AUDIT_REFUSAL_ROWS_MAX,
  AUDIT_REFUSAL_ROWS_OF_CALLER_MAX,
  AUDIT_REFUSAL_ROWS_OF_CALL_MAX,
  AUDIT_REPEAT_MS,
} from "./audit.js";
import { RESTORE_LINE_BYTES_MAX } from "./backup.js";
import { CHANGE_MESSAGES_MAX, CHANGE_NAMES_MAX } from "./changes.js";
import {
  CLI_ANSWER_BYTES_MAX,
  CLI_ANSWER_TIMEOUT_MS,
  CLI_CONNECT_TIMEOUT_MS,
  CLI_PING_INTERVAL_MS,
  CLI_POLL_EVENTS,
  CLI_TASK_EVENTS,
  CLI_TURN_CONNECT_TIMEOUT_MS,
  CLI_UPGRADE_TIMEOUT_MS,
} from "./cli.js";
import { BUNDLE_BYTES_MAX, ENTRY_BYTES_MAX, FORWARD_BYTES_MAX, POSITION_WAIT_MS } from "./cluster.js";
import { COMPLIANCE_WAIT_MS } from "./compliance.js";
import { REQUEST_TIMEOUT_MS, RESPONSE_TIMEOUT_MS } from "./connections.js";
import { CONTRACT_ANSWER_BYTES_MAX, CONTRACT_DEADLINE_MS } from "./contracts.js";
import {
  PUBLISH_EVENTS_MAX,
  SUBSCRIBER_IDLE_TIMEOUT_S,
  SUBSCRIBER_MESSAGE_BYTES_MAX,
  SUBSCRIBER_MESSAGE_RECEIVED_BYTES_MAX,
} from "./events.js";
import { INSTANCES_MAX } from "./instances.js";
import { MCP_RESULT_CHARACTERS_MAX } from "./mcp.js";
import { MESSAGES_ON_FRONT_MAX, MESSAGE_PRUNE_COPIES, MESSAGE_RECIPIENTS_MAX } from "./messages.js";
import {
  LOG_ANSWER_MS_MAX,
  LOG_HEARTBEATS_MISSED_MAX,
  LOG_HEARTBEAT_MS,
  POSTGRES_BYTES_PER_MS_MIN,
  POSTGRES_PROBE_INTERVAL_MS,
  POSTGRES_PROBE_MS_MAX,
  POSTGRES_STATEMENT_MS_MAX,
} from "./ordered-log.js";
import { OUTBOUND_DEADLINE_MS, OUTBOUND_RECEIVED_BYTES_MAX } from "./outbound.js";
import {
  LONG_WAIT_MS_MAX,
  LONG_WORK_TOGETHER_MAX,
  LONG_WORK_WAITING_MAX,
  LONG_WORK_WAITING_OF_CALLER_MAX,
  POOL_DEADLINE_MS,
  POOL_THREADS_MAX,
  POOL_UNBOUNDED_TOGETHER_MAX,
  POOL_WAIT_MS_MAX,
  SHORT_WORK_DEADLINE_MS,
} from "./pool.js";
import { SHUTDOWN_DRAIN_MS } from "./process.js";
import { BODIES_IN_MEMORY_BYTES_MAX, BODY_BYTES_MAX, REFUSED_LINGER_MS } from "./request-bodies.js";
import { DEADLINE_SWEEP_MS, MAILBOX_BYTES_MAX, MAILBOX_CALLS_MAX, OUTCOME_GRACE_MS } from "./rpc.js";
import {
  COMPILED_INSTRUCTIONS_KEPT_MAX,
  PROJECT_PROGRAM_INSTRUCTIONS_MAX,
  RULE_PROGRAM_INSTRUCTIONS_MAX,
} from "./rules.js";
import { SESSION_FLUSH_INTERVAL_MS, SESSION_IDLE_MS } from "./sessions.js";
import { KIB } from "./units.js";
import { USAGE_SERIES_INTERVALS_MAX, USAGE_SERIES_SUMS_MAX } from "./usage.js";
import { HISTORY_ROWS_DEFAULT, HOT_CACHE_BYTES_MAX, HOT_CACHE_VALUE_BYTES_MAX } from "./versioned.js";
import { LONG_POLL_WAIT_S_MAX, WAIT_CONDITIONS_MAX, WAIT_CURSOR_BYTES_MAX, WAIT_MARK_CHARACTERS_MAX } from "./wait.js";
import {
  WEBHOOKS_MAX,
  WEBHOOK_BODIES_BYTES_MAX,
  WEBHOOK_EVENT_BUDGET,
  WEBHOOK_FAILURES_MAX,
  WEBHOOK_QUEUE_BYTES_MAX,
  WEBHOOK_REQUESTS_MAX,
  WEBHOOK_RETRY_AFTER_MS_MAX,
  WEBHOOK_RETRY_DELAY_MS_MAX,
  WEBHOOK_RETRY_MS_MAX,
  WEBHOOK_RETRY_MS_MIN,
  WEBHOOK_TIMEOUT_MS,
} from "./webhooks.js";
import {
  BATCH_BYTES_MAX,
  BATCH_CALLS_MAX,
  LARGE_WRITES_WAITING_MAX,
  LARGE_WRITES_WAITING_OF_CALLER_MAX,
  WRITER_DEADLINE_MS,
} from "./writer.js";

/**
 * The relations between limits. Each row says whether the relation holds, and states it as a sentence for the error.
 */
const RELATIONS: readonly (readonly [holds: boolean, what: string])[] = [
  // Relations of bodies and of the memory for them:
  [BODIES_IN_MEMORY_BYTES_MAX >= 4 * BODY_BYTES_MAX, "several full bodies fit in memory"],
  [MAILBOX_BYTES_MAX >= BODIES_IN_MEMORY_BYTES_MAX, "all received bodies fit into the writer's mailbox"],
  [BATCH_BYTES_MAX >= BODY_BYTES_MAX, "one full body fits into a batch"],
  [HOT_CACHE_VALUE_BYTES_MAX * 16 <= HOT_CACHE_BYTES_MAX, "the hot cache holds many values"],

  // Relations of the times until an answer is due:
  [REQUEST_TIMEOUT_MS <= RESPONSE_TIMEOUT_MS, "a request ends before its response does"],
  [POOL_DEADLINE_MS <= RESPONSE_TIMEOUT_MS, "the deadline of a job keeps the time for an answer"],
  [
    WRITER_DEADLINE_MS + OUTCOME_GRACE_MS <= RESPONSE_TIMEOUT_MS,
    "the deadline of a call to the writer keeps the time for an answer",
  ],
  [
    LONG_WAIT_MS_MAX + POOL_WAIT_MS_MAX + POOL_DEADLINE_MS <= RESPONSE_TIMEOUT_MS,
    "work that waited for a permit and for a thread is answered in time",
  ],
  [SHORT_WORK_DEADLINE_MS <= POOL_DEADLINE_MS, "the deadline of short work is at most that of a job"],
  [
    OUTBOUND_DEADLINE_MS < RESPONSE_TIMEOUT_MS,
    "a call to another server ends before the answer that waits for it is due",
  ],
  [WEBHOOK_TIMEOUT_MS < RESPONSE_TIMEOUT_MS, "a test delivery ends before its answer is due"],
  [2 * CONTRACT_DEADLINE_MS + OUTBOUND_DEADLINE_MS < RESPONSE_TIMEOUT_MS, "a live test ends before its answer is due"],
  [COMPLIANCE_WAIT_MS < RESPONSE_TIMEOUT_MS, "a check that takes long is answered in time"],
  [REFUSED_LINGER_MS < SHUTDOWN_DRAIN_MS, "a refusal that is being read survives the shutdown"],

  // Threads
  [BATCH_CALLS_MAX <= MAILBOX_CALLS_MAX, "a batch is taken from the mailbox"],
  [LARGE_WRITES_WAITING_OF_CALLER_MAX < LARGE_WRITES_WAITING_MAX, "one caller's writes leave others room to wait"],
  [POOL_UNBOUNDED_TOGETHER_MAX < POOL_THREADS_MAX, "jobs of unknown cost leave the pool a thread"],
  [LONG_WORK_TOGETHER_MAX < POOL_UNBOUNDED_TOGETHER_MAX, "slow work leaves a thread to work that may be short"],
  [LONG_WORK_WAITING_OF_CALLER_MAX < LONG_WORK_WAITING_MAX, "one caller's long work leaves others room to wait"],

  // Lists
  [HISTORY_ROWS_DEFAULT <= PAGE_ROWS_MAX, "a default page is at most the largest page"],
  [PUBLISH_EVENTS_MAX <= PAGE_ROWS_MAX, "events that were published together can be read together"],
  [MESSAGES_ON_FRONT_MAX <= FRONT_READ_ROWS_MAX, "the front may read a page of this size"],
  [CLI_TASK_EVENTS <= PAGE_ROWS_MAX, "the events of tasks are read with one call"],

  // Relations of the limits of a cluster and its log:
  [ENTRY_BYTES_MAX >= 4 * BATCH_BYTES_MAX, "a batch fits an entry, whatever its encoding adds"],
  [2 * FORWARD_BYTES_MAX <= BUNDLE_BYTES_MAX, "two forwarded entries fit a bundle"],
  [
    LOG_HEARTBEAT_MS * (LOG_HEARTBEATS_MISSED_MAX + 1) <= LOG_ANSWER_MS_MAX,
    "a hanging server is noticed no later than an unanswered append",
  ],
  [POSTGRES_PROBE_INTERVAL_MS + POSTGRES_PROBE_MS_MAX <= 5_000, "a lost PostgreSQL server is noticed within 5 s"],
  [
    ENTRY_BYTES_MAX / POSTGRES_BYTES_PER_MS_MIN < POSTGRES_STATEMENT_MS_MAX,
    "the largest entry is stored before the server aborts its statement",
  ],

  // Snapshots
  [OUTBOUND_RECEIVED_BYTES_MAX >= 2 * CONTRACT_ANSWER_BYTES_MAX, "the largest answer of a service can come in chunks"],
  [RESTORE_LINE_BYTES_MAX >= 6 * BODY_BYTES_MAX + 8 * KIB, "the largest record of a snapshot can be restored"],

  // Relations of the limits of events, changes and waits:
  [
    SUBSCRIBER_MESSAGE_BYTES_MAX < SUBSCRIBER_MESSAGE_RECEIVED_BYTES_MAX,
    "a message over the limit is received, so that it can be refused",
  ],
  [CHANGE_NAMES_MAX >= CHANGE_MESSAGES_MAX, "a client that watches one kind gets as many names as it may"],
  [
    (WAIT_CONDITIONS_MAX + 1) * 64 + WAIT_MARK_CHARACTERS_MAX < WAIT_CURSOR_BYTES_MAX,
    "a cursor with the most conditions can be sent back",
  ],

  // Webhooks
  [WEBHOOK_REQUESTS_MAX >= WEBHOOKS_MAX, "a hanging receiver does not block another one"],
  [WEBHOOK_RETRY_MS_MAX + DEADLINE_SWEEP_MS <= 500, "a retry that waits for its tick is still in time"],
  [WEBHOOK_RETRY_AFTER_MS_MAX >= WEBHOOK_RETRY_DELAY_MS_MAX, "a delay that was stored is kept after a restart"],
  [
    WEBHOOK_EVENT_BUDGET * WEBHOOK_RETRY_DELAY_MS_MAX * (WEBHOOK_RETRY_MS_MIN / WEBHOOK_RETRY_MS_MAX) >= 26 * 3_600_000,
    "an event is tried for a day",
  ],
  [WEBHOOK_FAILURES_MAX > 2 * WEBHOOK_EVENT_BUDGET, "an event becomes a dead letter before its webhook is disabled"],
  [
    WEBHOOK_QUEUE_BYTES_MAX > 2 * BODY_BYTES_MAX && WEBHOOK_BODIES_BYTES_MAX > 2 * BODY_BYTES_MAX,
    "the largest event can be queued and sent",
  ],

  // Messages and sessions
  [MESSAGE_RECIPIENTS_MAX < MESSAGE_PRUNE_COPIES, "the largest message can be deleted in one call"],
  [2 * SESSION_FLUSH_INTERVAL_MS < SESSION_IDLE_MS, "a session in use is not lost by a crash"],

  // Rules
  [RULE_PROGRAM_INSTRUCTIONS_MAX <= PROJECT_PROGRAM_INSTRUCTIONS_MAX, "the largest rule fits a project"],
  [
    2 * PROJECT_PROGRAM_INSTRUCTIONS_MAX <= COMPILED_INSTRUCTIONS_KEPT_MAX,
    "a worker keeps a project's rules and the global ones",
  ],

  // Relations of the limits of usage, the audit log and agent metrics:
  [USAGE_SERIES_INTERVALS_MAX >= 31 * 24, "a month can be seen by the hour"],
  [USAGE_SERIES_SUMS_MAX >= USAGE_SERIES_INTERVALS_MAX, "a listed interval has at least one group"],
  [
    AUDIT_REFUSAL_ROWS_OF_CALL_MAX < AUDIT_REFUSAL_ROWS_OF_CALLER_MAX &&
      AUDIT_REFUSAL_ROWS_OF_CALLER_MAX < AUDIT_REFUSAL_ROWS_MAX,
    "one caller's refused calls leave room for those of others",
  ],
  [AUDIT_COUNT_DELAY_MS < AUDIT_REPEAT_MS, "a count is stored while it grows"],
  [AGENT_METRICS_FLUSH_INTERVAL_MS < 10_000, "agent metrics are flushed at least every 10 s"],
  [AGENT_TALLIES_MAX > INSTANCES_MAX, "every instance can be counted"],

  // Relations of the limits of MCP and the command line:
  [MCP_RESULT_CHARACTERS_MAX <= BODY_BYTES_MAX, "a result is no longer than a stored value"],
  [
    CLI_ANSWER_TIMEOUT_MS >= LONG_POLL_WAIT_S_MAX * 1000 + 10_000,
    "the command line waits longer than the longest long poll",
  ],
  [CLI_ANSWER_BYTES_MAX > BODY_BYTES_MAX, "the command line takes every value that can be stored"],
  [
    CLI_POLL_EVENTS * BODY_BYTES_MAX < CLI_ANSWER_BYTES_MAX,
    "a page of the largest events is an answer that can be taken",
  ],
  [CLI_PING_INTERVAL_MS * 2 < SUBSCRIBER_IDLE_TIMEOUT_S * 1000, "a subscriber pings before it counts as lost"],
  [
    CLI_UPGRADE_TIMEOUT_MS >= POSITION_WAIT_MS + 2_000,
    "a client that asks a lagging node for an upgrade gets its refusal",
  ],
  [CLI_TURN_CONNECT_TIMEOUT_MS <= CLI_CONNECT_TIMEOUT_MS, "with other servers to try, one is given up sooner"],
];

/** Throws if a relation does not hold. */
export function checkLimits(): void {
  for (const [holds, what] of RELATIONS) if (!holds) throw new Error(`limits: ${what}`);
}
