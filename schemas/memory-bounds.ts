/**
 * Lists every collection that the server keeps in memory. Each row has the maximum number of items and bytes of a
 * collection, its thread, and the code that enforces the limit.
 *
 * docs/security.md has the same table. test/memory-bounds.test.ts compares the two tables, checks each row against the
 * code that it names, and compares the sums with the budgets. Pure.
 */
import * as agentMetrics from "./limits/agent-metrics.js";
import * as answers from "./limits/answers.js";
import * as audit from "./limits/audit.js";
import * as backup from "./limits/backup.js";
import * as budgets from "./limits/budgets.js";
import * as rateLimits from "./limits/rate-limits.js";
import * as changes from "./limits/changes.js";
import * as cluster from "./limits/cluster.js";
import * as connections from "./limits/connections.js";
import * as contracts from "./limits/contracts.js";
import * as events from "./limits/events.js";
import * as hooks from "./limits/hooks.js";
import * as instances from "./limits/instances.js";
import * as leases from "./limits/leases.js";
import * as mcp from "./limits/mcp.js";
import * as metrics from "./limits/metrics.js";
import * as names from "./limits/names.js";
import * as pool from "./limits/pool.js";
import * as process from "./limits/process.js";
import * as radar from "./limits/radar.js";
import * as requestBodies from "./limits/request-bodies.js";
import * as rpc from "./limits/rpc.js";
import * as sessions from "./limits/sessions.js";
import * as tasks from "./limits/tasks.js";
import * as telemetry from "./limits/telemetry.js";
import * as tokens from "./limits/tokens.js";
import * as versioned from "./limits/versioned.js";
import * as wait from "./limits/wait.js";
import * as webhooks from "./limits/webhooks.js";
import * as writer from "./limits/writer.js";
import { KIB, MIB } from "./limits/units.js";

const LIMITS = {
  ...agentMetrics,
  ...answers,
  ...audit,
  ...backup,
  ...budgets,
  ...rateLimits,
  ...changes,
  ...cluster,
  ...connections,
  ...contracts,
  ...events,
  ...hooks,
  ...instances,
  ...leases,
  ...mcp,
  ...metrics,
  ...names,
  ...pool,
  ...process,
  ...radar,
  ...requestBodies,
  ...rpc,
  ...sessions,
  ...tasks,
  ...telemetry,
  ...tokens,
  ...versioned,
  ...wait,
  ...webhooks,
  ...writer,
};
type LimitName = keyof typeof LIMITS;
const VALUES: Readonly<Record<LimitName, number>> = LIMITS;

/** Returns the value of the limit with this name. */
export function limitOf(name: LimitName): number {
  return VALUES[name];
}

/**
 * The memory budget of the front thread and the writer thread together, in bytes. It must suffice even if every
 * collection is full. WORKER_THREADS_BUDGET_BYTES is the budget of the worker threads.
 */
export const FRONT_AND_WRITER_BUDGET_BYTES = 4 * KIB * MIB;
export const WORKER_THREADS_BUDGET_BYTES = 3 * KIB * MIB;

export interface MemoryBound {
  readonly stock: string;
  readonly thread: "front" | "writer" | "front, writer" | "workers";
  /** The limit on the number of items; null if only bytes are limited. */
  readonly items: LimitName | null;
  /**
   * The limit on the number of bytes. Its name says whether the unit is bytes, KiB or MiB. If `each` is given, `bytes`
   * is null, and the limit is `items` times `each`.
   */
  readonly bytes: LimitName | null;
  /** The size of one item in bytes. */
  readonly each?: number;
  /** The number of copies of each item in memory. For example, a text and its encoded form are two copies. */
  readonly times?: number;
  /** The files whose code enforces the limit. */
  readonly checked: string;
  /** The server's reaction to an item beyond the limit. */
  readonly beyond: string;
}

export const MEMORY_BOUNDS: readonly MemoryBound[] = [
  {
    stock: "unanswered requests with their headers, including long polls and streams",
    thread: "front",
    items: "REQUESTS_IN_FLIGHT_MAX",
    bytes: null,
    each: connections.HEADER_BYTES_MAX,
    checked: "src/platform/front/pipeline.ts",
    beyond: "503",
  },
  {
    stock: "request bodies that are being received",
    thread: "front",
    items: null,
    bytes: "BODIES_IN_MEMORY_BYTES_MAX",
    checked: "src/platform/front/body-reader.ts",
    beyond: "503; a single body that is too long is a 413",
  },
  {
    stock: "bodies that a node of a cluster does not read yet",
    thread: "front",
    items: null,
    bytes: "HELD_BODIES_BYTES_MAX",
    checked: "src/platform/front/body-reader.ts",
    beyond: "503",
  },
  {
    stock: "lists that the worker pool reads for answers",
    thread: "front",
    items: "POOL_THREADS_MAX",
    bytes: null,
    each: answers.LIST_BYTES_MAX + requestBodies.BODY_BYTES_MAX,
    checked: "src/platform/threads/pool.ts",
    beyond: "the request waits for a thread, then 503",
  },
  {
    stock: "a list of leases or conflicts that is built, as text and as bytes, and those that wait for it",
    thread: "front",
    items: "LONG_LEASE_LISTS_WAITING_MAX",
    bytes: null,
    each: (2 * answers.LIST_BYTES_MAX) / leases.LONG_LEASE_LISTS_WAITING_MAX + answers.WHOLE_ANSWER_BYTES_MAX,
    checked: "src/features/leases/long-lists.ts",
    beyond: "503",
  },
  {
    stock: "answers of more than 256 KiB that their clients have not read",
    thread: "front",
    items: null,
    bytes: "ANSWERS_IN_MEMORY_BYTES_MAX",
    checked: "src/platform/front/responder.ts",
    beyond: "503; the connection is cut after a write",
  },
  {
    stock: "recently requested documents",
    thread: "front",
    items: null,
    bytes: "DOCUMENTS_BYTES_MAX",
    checked: "src/platform/front/documents.ts",
    beyond: "the oldest is dropped",
  },
  {
    stock: "events that wait to be exported as spans, with `--otlp`",
    thread: "front",
    items: "TELEMETRY_EVENTS_MAX",
    bytes: "TELEMETRY_EVENTS_CHARACTERS_MAX",
    times: 2,
    checked: "src/features/telemetry/exporter.ts",
    beyond: "dropped, and counted",
  },
  {
    stock: "recently read values of state and specs",
    thread: "front",
    items: null,
    bytes: "HOT_CACHE_BYTES_MAX",
    times: 2,
    checked: "src/features/versioned/cache.ts",
    beyond: "the oldest is dropped",
  },
  {
    stock: "subscribers and their connections",
    thread: "front",
    items: "SUBSCRIBERS_MAX",
    bytes: null,
    each: 8 * KIB,
    checked: "src/features/events/hub.ts",
    beyond: "503",
  },
  {
    stock: "patterns of subscribers",
    thread: "front",
    items: null,
    bytes: "SUBSCRIBED_PATTERNS_CHARACTERS_MAX",
    times: 32,
    checked: "src/features/events/hub.ts",
    beyond: "503",
  },
  {
    stock: "events that wait to be sent to subscribers",
    thread: "front",
    items: "EVENTS_UNSENT_MAX",
    bytes: "EVENTS_UNSENT_BYTES_MAX",
    times: 2,
    checked: "src/features/events/hub.ts",
    beyond: "503",
  },
  {
    stock: "events that wait for lagging subscribers, 64 for each",
    thread: "front",
    items: null,
    bytes: "SUBSCRIBERS_BEHIND_BYTES_MAX",
    checked: "src/features/events/held-events.ts",
    beyond: "dropped, counted and reported",
  },
  {
    stock: "unsent data of sockets and event streams",
    thread: "front",
    items: null,
    bytes: "SOCKET_BUFFERS_BYTES_MAX",
    checked: "src/platform/transport/socket-buffers.ts",
    beyond: "the connection is cut",
  },
  {
    stock: "changes that wait for their readers, 10 for each",
    thread: "front",
    items: "CHANGE_READERS_MAX",
    bytes: null,
    each: changes.CHANGE_MESSAGES_MAX * 3 * names.KEY_BYTES_MAX,
    checked: "src/features/changes/readers.ts",
    beyond: "503; `lagged`",
  },
  {
    stock: "conditions of waiting calls",
    thread: "front",
    items: null,
    bytes: "WAITING_CHARACTERS_MAX",
    times: 32,
    checked: "src/features/wait/front.ts",
    beyond: "503",
  },
  {
    stock: "registered instances",
    thread: "front",
    items: "INSTANCES_MAX",
    bytes: "INSTANCES_BYTES_MAX",
    checked: "src/features/instances/directory.ts, src/features/instances/front.ts",
    beyond: "503",
  },
  {
    stock: "sessions of agents' clients and their subagents",
    thread: "front",
    items: "AGENT_SESSIONS_MAX",
    bytes: null,
    each: instances.AGENT_SESSION_BYTES,
    checked: "src/features/agent-sessions/registry.ts",
    beyond: `hooks do not check the session, and its agent is told; one session has at most ${instances.SUBAGENTS_MAX} subagents`,
  },
  {
    stock: "held and waiting leases",
    thread: "front, writer",
    items: "LEASES_MAX",
    bytes: "LEASES_BYTES_MAX",
    times: 2,
    checked: "src/features/claims/claim-bytes.ts, src/features/claims/live-claims.ts",
    beyond: "429; one instance may use a quarter",
  },
  {
    stock: "tasks that have not ended",
    thread: "front, writer",
    items: "TASKS_MAX",
    bytes: "TASKS_BYTES_MAX",
    times: 2,
    checked: "src/features/tasks/task-limits.ts",
    beyond: "429",
  },
  {
    stock: "reported changes of checkouts",
    thread: "writer",
    items: "RADAR_REPORTS_MAX",
    bytes: "RADAR_BYTES_MAX",
    checked: "src/features/radar/registry.ts",
    beyond: `429; one workspace may use ${radar.RADAR_REPORTS_OF_WORKSPACE_MAX} reports and three quarters of the bytes`,
  },
  {
    stock: "MCP batches and long messages, with their answers",
    thread: "front",
    items: "MCP_BATCH_MESSAGES_MAX",
    bytes: "MCP_BATCHES_BYTES_MAX",
    times: 3,
    checked: "src/features/mcp/endpoint.ts",
    beyond: "503; an error for the call",
  },
  {
    stock: "remembered calls of hooks, with their answers",
    thread: "front",
    items: "HOOK_CALLS_MAX",
    bytes: "HOOK_CALLS_BYTES_MAX",
    checked: "src/features/hooks/repeats.ts",
    beyond: "the oldest is dropped",
  },
  {
    stock: "agents about which hooks remember something, with the lines that they have not received yet",
    thread: "front",
    items: "HOOK_AGENTS_MAX",
    bytes: null,
    each: hooks.HOOK_AGENT_BYTES,
    checked: "src/features/hooks/agent-states.ts",
    beyond: "the least recently seen agent is dropped",
  },
  {
    stock: "hashes of what hooks have already reported to agents",
    thread: "front",
    items: "HOOK_REPORTED_MAX",
    bytes: null,
    each: hooks.HOOK_REPORTED_BYTES,
    checked: "src/features/hooks/reported-once.ts",
    beyond: "the oldest is dropped",
  },
  {
    stock: "ready tasks that hooks have not shown to their assignees yet",
    thread: "front",
    items: "HOOK_TASKS_MAX",
    bytes: null,
    each: hooks.HOOK_TASK_BYTES,
    checked: "src/features/hooks/ready-tasks.ts",
    beyond: "the oldest is dropped",
  },
  {
    stock: "agents to which hooks have not shown their overlaps yet",
    thread: "front",
    items: "RADAR_NOTICES_MAX",
    bytes: null,
    each: radar.RADAR_NOTICE_BYTES,
    checked: "src/features/hooks/overlap-lines.ts",
    beyond: "the oldest is dropped",
  },
  {
    stock: "budgets; the front thread has only those that are nearly used up",
    thread: "front, writer",
    items: "BUDGETS_MAX",
    bytes: null,
    each: budgets.BUDGET_BYTES,
    checked: "src/features/budgets/registry.ts",
    beyond: "429",
  },
  {
    stock: "rate limits of accounts",
    thread: "front, writer",
    items: "RATE_LIMITS_MAX",
    bytes: null,
    each: rateLimits.RATE_LIMIT_BYTES,
    checked: "src/features/rate-limits/registry.ts",
    beyond: "429",
  },
  {
    stock: "in-boxes that hooks watch",
    thread: "front",
    items: "HOOK_BOXES_MAX",
    bytes: null,
    each: hooks.HOOK_BOX_BYTES,
    checked: "src/features/hooks/inbox.ts",
    beyond: "the oldest is dropped",
  },
  {
    stock: "workspaces, with the last hook of each client",
    thread: "front",
    items: "HOOK_SEEN_MAX",
    bytes: null,
    each: hooks.HOOK_SEEN_BYTES,
    checked: "src/features/hooks/seen-hooks.ts",
    beyond: "the oldest is dropped",
  },
  {
    stock: "paths that agents were denied, with the number of denials",
    thread: "front",
    items: "HOOK_DENIALS_MAX",
    bytes: null,
    each: hooks.HOOK_DENIAL_BYTES,
    checked: "src/features/hooks/repeated-denials.ts",
    beyond: "the oldest is dropped",
  },
  {
    stock: "compiled lists of globs for hooks",
    thread: "front",
    items: "HOOK_PATH_LISTS_MAX",
    bytes: null,
    each: hooks.HOOK_PATH_LIST_BYTES,
    checked: "src/features/hooks/headers.ts",
    beyond: "all are dropped",
  },
  {
    stock: "metrics of the last 24 hours",
    thread: "front",
    items: "HISTORY_ROWS_MAX",
    bytes: null,
    each: metrics.HISTORY_ROW_BYTES,
    checked: "src/features/metrics/history.ts",
    beyond: "the oldest is dropped",
  },
  {
    stock: "sessions of the dashboard",
    thread: "front",
    items: "SESSIONS_MAX",
    bytes: null,
    each: 1 * KIB,
    checked: "src/features/sessions/session-registry.ts",
    beyond: "[a session of the instance with most sessions](#logging-in-to-the-dashboard) ends",
  },
  {
    stock: "addresses that have sent wrong tokens",
    thread: "front",
    items: "LOG_IN_ADDRESSES_MAX",
    bytes: null,
    each: 2_048,
    checked: "src/platform/front/token-throttle.ts",
    beyond: "the oldest is dropped",
  },
  {
    stock: "tokens of deleted instances",
    thread: "front",
    items: "ENDED_TOKENS_MAX",
    bytes: null,
    each: 256,
    checked: "src/features/instances/actors.ts",
    beyond: "the oldest is dropped",
  },
  {
    stock: "counted refused calls",
    thread: "front",
    items: "AUDIT_REFUSAL_ROWS_MAX",
    bytes: null,
    each: 8_192,
    checked: "src/features/audit/refusal-log.ts",
    beyond: "several calls are counted in one row",
  },
  {
    stock: "counts of agents that are not stored yet",
    thread: "front",
    items: "AGENT_TALLIES_MAX",
    bytes: null,
    each: 512,
    checked: "src/features/agent-metrics/tally.ts",
    beyond: "not counted",
  },
  {
    stock: "bodies of webhook deliveries in flight",
    thread: "front",
    items: "WEBHOOK_REQUESTS_MAX",
    bytes: "WEBHOOK_BODIES_BYTES_MAX",
    checked: "src/composition/webhooks.ts, src/features/webhooks/bodies.ts",
    beyond: "the delivery waits in the database",
  },
  {
    stock: "answers of services in live tests",
    thread: "front",
    items: "CONTRACT_TESTS_MAX",
    bytes: null,
    each: contracts.CONTRACT_ANSWER_BYTES_MAX,
    checked: "src/features/contracts/front.ts",
    beyond: "503",
  },
  {
    stock: "jobs that wait for the permit for long work, with their bodies",
    thread: "front",
    items: "LONG_WORK_WAITING_MAX",
    bytes: null,
    each: requestBodies.BODY_BYTES_MAX,
    checked: "src/platform/threads/slow-lane.ts",
    beyond: "503",
  },
  {
    stock: "jobs that wait for a thread of the worker pool",
    thread: "front",
    items: "POOL_QUEUE_MAX",
    bytes: "POOL_QUEUE_BYTES_MAX",
    checked: "src/platform/threads/pool.ts",
    beyond: "503",
  },
  {
    stock: "log lines that are not written yet",
    thread: "front",
    items: null,
    bytes: "LOG_BUFFER_BYTES_MAX",
    checked: "src/base/log.ts",
    beyond: "dropped, and counted",
  },
  {
    stock: "writes that wait for the writer thread",
    thread: "front, writer",
    items: "MAILBOX_CALLS_MAX",
    bytes: "MAILBOX_BYTES_MAX",
    checked: "src/platform/rpc/client.ts",
    beyond: "503",
  },
  {
    stock: "one transaction, with its calls, events, answers and push messages",
    thread: "front, writer",
    items: "BATCH_CALLS_MAX",
    bytes: "BATCH_BYTES_MAX",
    times: 4,
    checked: "src/platform/rpc/server.ts, src/platform/threads/batch.ts",
    beyond: "the call waits for the next transaction",
  },
  {
    stock: "newest versions of state and specs",
    thread: "writer",
    items: "HEAD_CACHE_KEYS_MAX",
    bytes: null,
    each: 2 * names.KEY_BYTES_MAX + 256,
    times: 2,
    checked: "src/features/versioned/head-cache.ts",
    beyond: "the oldest is dropped",
  },
  {
    stock: "patterns of webhooks",
    thread: "writer",
    items: "WEBHOOKS_MAX",
    bytes: "WEBHOOK_PATTERNS_CHARACTERS_MAX",
    times: 32,
    checked: "src/features/webhooks/commands.ts",
    beyond: "400",
  },
  {
    stock: "entries of a cluster's log that are not applied yet",
    thread: "writer",
    items: null,
    bytes: "ENTRIES_PENDING_BYTES_MAX",
    checked: "src/cluster/log-reader.ts",
    beyond: "the node pauses reading the log",
  },
  {
    stock: "an entry that a node appends and an entry that arrives, as bytes and as text",
    thread: "writer",
    items: null,
    bytes: "ENTRY_BYTES_MAX",
    times: 4,
    checked: "src/cluster/log/nats-appends.ts",
    beyond: "413",
  },
  {
    stock: "the program itself, and the page cache of SQLite",
    thread: "front, writer",
    items: null,
    bytes: null,
    each: 176 * MIB,
    checked: "",
    beyond: "measured: 90 to 100 MiB when idle",
  },
  {
    stock: "heaps of the worker pool: compiled rules and contracts, texts and results",
    thread: "workers",
    items: "POOL_THREADS_MAX",
    bytes: null,
    each: pool.POOL_HEAP_MIB_MAX * MIB,
    checked: "src/platform/threads/pool.ts",
    beyond: "the thread is replaced, and its job is a 500",
  },
  {
    stock: "heaps of the threads that read backups",
    thread: "workers",
    items: "BACKUPS_AT_ONCE_MAX",
    bytes: null,
    each: pool.POOL_HEAP_MIB_MAX * MIB,
    checked: "src/features/backup/front.ts",
    beyond: "503",
  },
  {
    stock: "heap of the thread that exports spans and metrics, with `--otlp`",
    thread: "workers",
    items: null,
    bytes: null,
    each: telemetry.TELEMETRY_HEAP_MIB_MAX * MIB,
    checked: "src/features/telemetry/exporter.ts",
    beyond: "the thread is restarted after 10 s",
  },
  {
    stock: "a line of a restore, as bytes, text and values",
    thread: "workers",
    items: null,
    bytes: "RESTORE_LINE_BYTES_MAX",
    times: 4,
    checked: "src/features/backup/staging.ts",
    beyond: "503; a longer line is a 400",
  },
];

/** Returns the maximum number of bytes of a row's collection. */
export function boundBytes({ items, bytes, each = 0, times = 1 }: MemoryBound): number {
  if (bytes !== null) return limitOf(bytes) * times;
  return (items === null ? 1 : limitOf(items)) * each * times;
}
