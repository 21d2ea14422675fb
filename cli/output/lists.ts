/**
 * Declares how a terminal shows each list as a table. A row of the command table refers to its list by name (`list:
 * "leases"`). The names of the columns are those of the API's members, as in `--fields`. Data only; runs in the CLI
 * process.
 */

export interface Column {
  /** The name of the member. A dot leads to a nested member (`holder.name`). */
  readonly field: string;
  /** The title of the column; the name of the member by default. */
  readonly title?: string;
  /**
   * Whether the column is always shown. It shrinks only after all other columns have their minimum width. Used for
   * values that people copy, such as ids.
   */
  readonly keep?: true;
  /** Whether a long text is wrapped into several lines instead of shortened. */
  readonly wrap?: true;
  /** The minimum width to which the column may shrink; MIN_WIDTH by default. */
  readonly min?: number;
}

export interface List {
  /**
   * The member of the answer that contains the records: an array, or an object with one record for each name. Absent if
   * the answer itself is the array.
   */
  readonly member?: string;
  /** If the records are in an object, the column for their names. */
  readonly named?: string;
  /** Whether the answer's other members are printed above the table. */
  readonly withOthers?: true;
  /**
   * The columns from left to right. On a narrow terminal, the last ones shrink first. If this is not enough, they are
   * left out.
   */
  readonly columns: readonly Column[];
  /** The line that is printed for an empty list. */
  readonly empty: string;
}

/** The minimum width of an agent's name. It keeps names distinct that begin alike, such as `claude-…`. */
const NAME_WIDTH = 18;
/** The width of the longest state of a task, `input_required`. */
const STATE_WIDTH = 14;

const RULE_COLUMNS: readonly Column[] = [
  { field: "project", keep: true },
  { field: "rule_id", keep: true },
  { field: "status" },
  { field: "severity" },
  { field: "pattern", min: 10 },
  { field: "message", wrap: true, min: 12 },
  { field: "applies_to" },
  { field: "stack" },
  { field: "source" },
  { field: "match_type" },
];

const VERSION_COLUMNS: readonly Column[] = [
  { field: "version", keep: true },
  { field: "updated_at" },
  { field: "updated_by" },
  { field: "content_type", min: 10 },
  { field: "hash" },
];

const RUN_COLUMNS: readonly Column[] = [
  { field: "id", keep: true },
  { field: "pass" },
  { field: "project" },
  { field: "contract" },
  { field: "instance_id" },
  { field: "run_at" },
  { field: "violations.message", wrap: true, min: 16 },
];

const INSTANCE_COLUMNS: readonly Column[] = [
  { field: "id", keep: true },
  { field: "name", min: NAME_WIDTH },
  { field: "status" },
  { field: "last_seen" },
  { field: "workspace", min: 10 },
  { field: "intent", wrap: true, min: 12 },
  { field: "checkout.branch" },
  { field: "capabilities", wrap: true, min: 10 },
  { field: "stack" },
  { field: "client" },
];

const TASK_COLUMNS: readonly Column[] = [
  { field: "id", keep: true },
  { field: "state", min: STATE_WIDTH },
  { field: "title", wrap: true, min: 20 },
  { field: "holder.name", min: NAME_WIDTH },
  { field: "progress" },
  { field: "updated_at" },
  { field: "priority" },
  { field: "labels", wrap: true },
  { field: "after", wrap: true },
  { field: "assignee" },
  { field: "question", wrap: true, min: 12 },
  { field: "error", wrap: true, min: 12 },
];

/** All lists, by the names that the rows of the command table use. */
export const LISTS = {
  state: {
    columns: [
      { field: "key", keep: true },
      { field: "version" },
      { field: "updated_at" },
      { field: "content_type", min: 10 },
    ],
    empty: "no keys",
  },
  state_at: {
    member: "state",
    columns: [
      { field: "key", keep: true },
      { field: "version" },
      { field: "updated_at" },
      { field: "content_type", min: 10 },
      { field: "kept_since" },
    ],
    empty: "no keys",
  },
  specs: {
    member: "specs",
    columns: [{ field: "name", keep: true }, { field: "version" }, { field: "updated_at" }],
    empty: "no specs",
  },
  projects: {
    member: "projects",
    columns: [{ field: "project", keep: true }, { field: "specs" }],
    empty: "no projects",
  },
  contexts: {
    columns: [
      { field: "name", keep: true },
      { field: "server", wrap: true },
      { field: "has_token" },
      { field: "current" },
    ],
    empty: "no contexts",
  },
  versions: { member: "versions", columns: VERSION_COLUMNS, empty: "no versions" },
  diffs: {
    member: "diffs",
    columns: [
      { field: "operation" },
      { field: "path", keep: true },
      { field: "old_value", wrap: true, min: 12 },
      { field: "new_value", wrap: true, min: 12 },
    ],
    empty: "no differences",
  },
  events: {
    columns: [
      { field: "id", keep: true },
      { field: "created_at" },
      { field: "topic", min: 16 },
      { field: "source" },
      { field: "data", min: 12 },
    ],
    empty: "no events",
  },
  webhooks: {
    columns: [
      { field: "id", keep: true },
      { field: "active" },
      { field: "url", min: 20 },
      { field: "patterns", wrap: true, min: 10 },
      { field: "pending" },
      { field: "fail_count" },
      { field: "dead_letters" },
      { field: "last_fired" },
      { field: "last_error", wrap: true, min: 16 },
    ],
    empty: "no webhooks",
  },
  deliveries: {
    columns: [
      { field: "at" },
      { field: "event_id", keep: true },
      { field: "attempt" },
      { field: "outcome" },
      { field: "status" },
      { field: "duration_ms" },
      { field: "error", wrap: true, min: 16 },
    ],
    empty: "no deliveries",
  },
  "dead letters": {
    columns: [
      { field: "event_id", keep: true },
      { field: "topic", min: 16 },
      { field: "set_aside_at" },
      { field: "attempts" },
      { field: "bytes" },
      { field: "error", wrap: true, min: 16 },
    ],
    empty: "no dead letters",
  },
  instances: { columns: INSTANCE_COLUMNS, empty: "no instances" },
  tasks: { member: "tasks", columns: TASK_COLUMNS, empty: "no tasks" },
  evidence: {
    columns: [
      { field: "id", keep: true },
      { field: "at" },
      { field: "level" },
      { field: "command", wrap: true, min: 16 },
      { field: "exit_code" },
      { field: "task" },
      { field: "name", min: 8 },
      { field: "seen_by" },
      { field: "duration_ms" },
      { field: "tree_after" },
    ],
    empty: "no evidence",
  },
  leases: {
    member: "leases",
    columns: [
      { field: "id", keep: true },
      { field: "state" },
      { field: "holder.name", min: NAME_WIDTH },
      { field: "resources", wrap: true, min: 16 },
      // These columns are empty for most leases. A column is left out if it is empty in all rows.
      { field: "any", wrap: true, min: 10 },
      { field: "max_holders", title: "LIMIT" },
      { field: "expires_at" },
      { field: "mode" },
      { field: "reason", wrap: true, min: 12 },
      { field: "scope" },
      { field: "task" },
      { field: "workspace" },
    ],
    empty: "no leases",
  },
  landings: {
    member: "landings",
    columns: [
      { field: "position" },
      { field: "state" },
      { field: "branch", keep: true },
      { field: "holder.name", min: NAME_WIDTH },
      { field: "since" },
      { field: "estimate_s" },
      { field: "lease" },
      { field: "head", min: 10 },
    ],
    empty: "no branch is landing or waits",
  },
  overlaps: {
    member: "overlaps",
    columns: [
      { field: "path", keep: true },
      { field: "kind" },
      { field: "a.branch", min: 8 },
      { field: "b.branch", min: 8 },
      { field: "a.instances.name", title: "A AGENTS", wrap: true, min: 8 },
      { field: "b.instances.name", title: "B AGENTS", wrap: true, min: 8 },
      { field: "since" },
      { field: "a.checkout" },
      { field: "b.checkout" },
    ],
    empty: "no overlaps",
  },
  messages: {
    member: "messages",
    columns: [
      { field: "id", keep: true },
      { field: "from.name", min: NAME_WIDTH },
      { field: "to.name", wrap: true },
      { field: "subject", wrap: true, min: 16 },
      { field: "sent_at" },
      { field: "intent" },
      { field: "importance" },
      { field: "body", wrap: true, min: 16 },
      { field: "thread" },
    ],
    empty: "no messages",
  },
  threads: {
    member: "threads",
    columns: [
      { field: "thread", keep: true },
      { field: "subject", wrap: true, min: 16 },
      { field: "unread" },
      { field: "messages" },
      { field: "last_at" },
      { field: "with.name", wrap: true, min: 10 },
    ],
    empty: "no threads",
  },
  rules: { member: "rules", columns: RULE_COLUMNS, empty: "no rules" },
  violations: {
    member: "violations",
    columns: [
      { field: "rule_id", keep: true },
      { field: "severity" },
      { field: "path" },
      { field: "line" },
      { field: "message", wrap: true, min: 16 },
      { field: "match", min: 10 },
    ],
    empty: "no violations",
  },
  templates: {
    columns: [
      { field: "id", keep: true },
      { field: "name" },
      { field: "kind" },
      { field: "tags", wrap: true },
      { field: "version" },
      { field: "updated_at" },
      { field: "description", wrap: true, min: 16 },
    ],
    empty: "no templates",
  },
  "contract tests": {
    columns: [
      { field: "endpoint", keep: true },
      { field: "valid" },
      { field: "status_code" },
      { field: "response_violations.message", wrap: true, min: 16 },
      { field: "request_violations.message", wrap: true, min: 16 },
      { field: "error", wrap: true, min: 16 },
    ],
    empty: "no endpoints",
  },
  "compliance runs": { columns: RUN_COLUMNS, empty: "no results" },
  "compliance check": { member: "runs", columns: RUN_COLUMNS, empty: "no instance has a contract" },
  audit: {
    columns: [
      { field: "id", keep: true },
      { field: "timestamp" },
      { field: "action" },
      { field: "resource", min: 16 },
      { field: "outcome" },
      { field: "actor" },
      { field: "count" },
      { field: "detail", min: 12 },
    ],
    empty: "no entries",
  },
  budgets: {
    member: "budgets",
    columns: [
      { field: "id", keep: true },
      { field: "state" },
      { field: "share" },
      { field: "scope" },
      { field: "target", min: 8 },
      { field: "used.tokens" },
      { field: "tokens" },
      { field: "used.cost_usd" },
      { field: "cost_usd" },
      { field: "unpriced" },
      { field: "period" },
      { field: "ends_at" },
      { field: "policy" },
    ],
    empty: "no budgets",
  },
  "rate limits": {
    member: "limits",
    columns: [
      { field: "id", keep: true },
      { field: "provider" },
      { field: "account", min: 8 },
      { field: "until" },
      { field: "reason", min: 8 },
      { field: "reported_by" },
      { field: "reported_at" },
    ],
    empty: "no rate limits",
  },
  usage: {
    columns: [
      { field: "id", keep: true },
      { field: "created_at" },
      { field: "model" },
      { field: "tokens_in" },
      { field: "tokens_out" },
      { field: "cost_usd" },
      { field: "project" },
      { field: "instance_id" },
      { field: "session_tag" },
      { field: "provider" },
      { field: "request_type" },
    ],
    empty: "no calls",
  },
  "usage sums": {
    member: "groups",
    named: "group",
    withOthers: true,
    columns: [
      { field: "group", keep: true },
      { field: "request_count" },
      { field: "total_tokens_in" },
      { field: "total_tokens_out" },
      { field: "total_cost_usd" },
    ],
    empty: "no calls",
  },
  "agent metrics": {
    columns: [
      { field: "instance_id", keep: true },
      { field: "period" },
      { field: "metric_name" },
      { field: "metric_value" },
      { field: "metrics.rest_calls" },
      { field: "metrics.mcp_calls" },
      { field: "metrics.errors" },
      { field: "metrics.events_published" },
      { field: "metrics.violations" },
      { field: "metrics.rollbacks" },
    ],
    empty: "no counts",
  },
  nodes: {
    member: "nodes",
    withOthers: true,
    columns: [
      { field: "node", keep: true },
      { field: "state" },
      { field: "leader" },
      { field: "lag" },
      { field: "position" },
      { field: "last_heard" },
      { field: "version" },
    ],
    empty: "no nodes",
  },
} as const satisfies Readonly<Record<string, List>>;

export type ListName = keyof typeof LISTS;
