/**
 * Defines the layout of the database as an ordered list of migrations, and migrates databases to the newest layout.
 * SQLite's `user_version` is the number of applied migrations. The statements of a released migration never change.
 * Runs before the database is used. The layout decides how fast writes are, because a commit writes every page that it
 * has changed. So the versions of all keys are in one table, and a new version is appended at its end. Each version
 * points to the previous version of its key, and each key has a head that points to its newest version. There is no
 * index on (key, version). Instead, every 64th version of a key is marked, so a reader that starts at a mark takes at
 * most 63 steps to any version.
 */
import type { Db } from "./sqlite/library.js";

/** Returns the tables of a versioned key space (src/features/versioned/table.ts). */
function versionedSpace(name: "state" | "spec"): string {
  return `
  CREATE TABLE ${name}_head (key TEXT PRIMARY KEY, version INTEGER NOT NULL, row INTEGER NOT NULL) WITHOUT ROWID;
  -- The heads of deleted keys. They are kept because the version numbers of a key continue after it is created again.
  -- They have a table of their own, so that listings do not read them.
  CREATE TABLE ${name}_gone (key TEXT PRIMARY KEY, version INTEGER NOT NULL, row INTEGER NOT NULL) WITHOUT ROWID;
  CREATE TABLE ${name}_version (
    id INTEGER PRIMARY KEY, version INTEGER NOT NULL, previous INTEGER NOT NULL, hash BLOB NOT NULL,
    content_type TEXT NOT NULL, updated_at INTEGER NOT NULL, updated_by TEXT NOT NULL, value BLOB NOT NULL
  );
  CREATE TABLE ${name}_mark (
    key TEXT NOT NULL, version INTEGER NOT NULL, row INTEGER NOT NULL, PRIMARY KEY (key, version)
  ) WITHOUT ROWID;
  `;
}

const MIGRATIONS: readonly string[] = [
  `
  ${versionedSpace("state")}

  -- Ids are never reused: the newest event is never pruned, and the next id is the largest plus one.
  CREATE TABLE event (
    id INTEGER PRIMARY KEY, topic TEXT NOT NULL, created_at INTEGER NOT NULL, source TEXT NOT NULL, data TEXT NOT NULL
  );

  CREATE TABLE audit (
    id INTEGER PRIMARY KEY, at INTEGER NOT NULL, actor TEXT NOT NULL, action TEXT NOT NULL, resource TEXT NOT NULL,
    detail TEXT NOT NULL, outcome TEXT NOT NULL
  );
  -- A partial index, so that the most frequent row (a put without an actor) changes no index.
  CREATE INDEX audit_action ON audit (action) WHERE action NOT IN ('state.put', 'spec.put');
  CREATE INDEX audit_actor ON audit (actor) WHERE actor <> '';
  CREATE TRIGGER audit_no_update BEFORE UPDATE ON audit BEGIN SELECT RAISE(ABORT, 'the audit log is append-only'); END;
  CREATE TRIGGER audit_no_delete BEFORE DELETE ON audit BEGIN SELECT RAISE(ABORT, 'the audit log is append-only'); END;
  `,
  versionedSpace("spec"),
  `
  CREATE TABLE llm_usage (
    id INTEGER PRIMARY KEY, created_at INTEGER NOT NULL, instance_id TEXT NOT NULL, project TEXT NOT NULL,
    session_tag TEXT NOT NULL, provider TEXT NOT NULL, model TEXT NOT NULL, request_type TEXT NOT NULL,
    tokens_in INTEGER NOT NULL, tokens_out INTEGER NOT NULL, cost_usd REAL NOT NULL
  );
  CREATE INDEX llm_usage_instance ON llm_usage (instance_id) WHERE instance_id <> '';
  CREATE INDEX llm_usage_project ON llm_usage (project) WHERE project <> '';
  CREATE INDEX llm_usage_session ON llm_usage (session_tag) WHERE session_tag <> '';
  `,
  `
  CREATE TABLE rule (
    project TEXT NOT NULL, rule_id TEXT NOT NULL, severity TEXT NOT NULL, match_type TEXT NOT NULL,
    pattern TEXT NOT NULL, message TEXT NOT NULL, stack TEXT NOT NULL, applies_to TEXT NOT NULL,
    source TEXT NOT NULL, status TEXT NOT NULL, proposed_by TEXT NOT NULL, context TEXT NOT NULL,
    created_at INTEGER NOT NULL, size INTEGER NOT NULL, PRIMARY KEY (project, rule_id)
  ) WITHOUT ROWID;
  -- How often the rules of each project were changed. The number is never reset, so that it shows which compiled rules
  -- are outdated.
  CREATE TABLE rule_set (project TEXT PRIMARY KEY, version INTEGER NOT NULL) WITHOUT ROWID;
  `,
  `
  -- Row numbers are never reused, so a webhook that is deleted and created again has another row number.
  CREATE TABLE webhook (
    row INTEGER PRIMARY KEY AUTOINCREMENT, id TEXT NOT NULL UNIQUE, url TEXT NOT NULL, patterns TEXT NOT NULL,
    secret TEXT NOT NULL, active INTEGER NOT NULL, epoch INTEGER NOT NULL, fail_count INTEGER NOT NULL,
    created_at INTEGER NOT NULL, last_fired INTEGER
  );
  -- The bodies that are to be delivered. They are copies, because an event may be pruned before it is delivered.
  -- waiting: the number of rows in the queue that refer to the body.
  CREATE TABLE webhook_body (
    event INTEGER PRIMARY KEY, waiting INTEGER NOT NULL, bytes INTEGER NOT NULL, body TEXT NOT NULL
  );
  CREATE TABLE webhook_queue (
    webhook INTEGER NOT NULL, event INTEGER NOT NULL, PRIMARY KEY (webhook, event)
  ) WITHOUT ROWID;
  `,
  `
  -- Row numbers are never reused, because a heartbeat in flight must not be counted for another instance.
  CREATE TABLE instance (
    row INTEGER PRIMARY KEY AUTOINCREMENT, id TEXT NOT NULL UNIQUE, token_hash BLOB NOT NULL, name TEXT NOT NULL,
    workspace TEXT NOT NULL, intent TEXT NOT NULL, stack TEXT NOT NULL, capabilities TEXT NOT NULL,
    registered_at INTEGER NOT NULL
  );
  -- The columns of an instance that change often. Their rows are narrow, so that a thousand heartbeats change only a
  -- few pages.
  CREATE TABLE instance_life (row INTEGER PRIMARY KEY, status TEXT NOT NULL, last_seen INTEGER NOT NULL);

  -- The key begins with the hour since the epoch. So a flush changes neighbouring pages, and old hours are deleted as
  -- one range.
  CREATE TABLE agent_metric (
    hour INTEGER NOT NULL, instance TEXT NOT NULL, metric TEXT NOT NULL, value INTEGER NOT NULL,
    PRIMARY KEY (hour, instance, metric)
  ) WITHOUT ROWID;
  -- The newest flush that was executed. It is stored so that a flush that is sent twice counts once.
  CREATE TABLE agent_metric_flush (
    only INTEGER PRIMARY KEY CHECK (only = 1), server TEXT NOT NULL, sequence INTEGER NOT NULL
  );
  `,
  `
  -- rules: JSON text with the checked rules in data. It is derived from data, and always stored together with it.
  CREATE TABLE template (
    id TEXT PRIMARY KEY, name TEXT NOT NULL, description TEXT NOT NULL, kind TEXT NOT NULL, tags TEXT NOT NULL,
    version INTEGER NOT NULL, created_at INTEGER NOT NULL, updated_at INTEGER NOT NULL,
    data TEXT NOT NULL, rules TEXT NOT NULL
  );
  `,
  `
  -- Ids are never reused, because the newest run is never pruned.
  CREATE TABLE compliance_run (
    id INTEGER PRIMARY KEY, run_at INTEGER NOT NULL, instance TEXT NOT NULL, project TEXT NOT NULL,
    contract TEXT NOT NULL, violations TEXT NOT NULL
  );
  CREATE INDEX compliance_run_instance ON compliance_run (instance);
  `,
  `
  -- The new column has the number of deliveries that have led to the event.
  CREATE TABLE webhook_body_new (
    event INTEGER PRIMARY KEY, waiting INTEGER NOT NULL, bytes INTEGER NOT NULL, body TEXT NOT NULL,
    hops INTEGER NOT NULL
  );
  INSERT INTO webhook_body_new SELECT *, 0 FROM webhook_body;
  DROP TABLE webhook_body;
  ALTER TABLE webhook_body_new RENAME TO webhook_body;
  `,
  `
  -- The newest flush of each node that was executed. Flushes of a node's previous run of the server are not stored,
  -- because that run sends no more flushes.
  DROP TABLE agent_metric_flush;
  CREATE TABLE agent_metric_flush (node TEXT PRIMARY KEY, run TEXT NOT NULL, sequence INTEGER NOT NULL) WITHOUT ROWID;
  `,
  `
  -- id: SHA-256 of the cookie's value; proof: HMAC-SHA256 of the server's token, keyed with that value. Neither the
  -- cookie nor the token follows from a row. instance: the owner of the token, '' for the server's token.
  CREATE TABLE session (
    id BLOB PRIMARY KEY, proof BLOB NOT NULL, instance TEXT NOT NULL, secure INTEGER NOT NULL,
    created_at INTEGER NOT NULL, last_used_at INTEGER NOT NULL
  ) WITHOUT ROWID;
  -- A deleted instance leaves no session that a later instance with the same id could use.
  CREATE TRIGGER session_of_instance AFTER DELETE ON instance BEGIN DELETE FROM session WHERE instance = OLD.id; END;
  `,
  `
  -- Why and when a delivery last failed; null if none has failed.
  ALTER TABLE webhook ADD COLUMN last_error TEXT;
  ALTER TABLE webhook ADD COLUMN last_failure_at INTEGER;
  `,
  `
  -- The new column has the time until which an instance counts as seen although it sends nothing.
  CREATE TABLE instance_life_new (
    row INTEGER PRIMARY KEY, status TEXT NOT NULL, last_seen INTEGER NOT NULL, busy_until INTEGER NOT NULL
  );
  INSERT INTO instance_life_new SELECT *, 0 FROM instance_life;
  DROP TABLE instance_life;
  ALTER TABLE instance_life_new RENAME TO instance_life;

  -- The results of calls with a request_id. The order of the ids is also the order of the times.
  CREATE TABLE remembered_request (
    id INTEGER PRIMARY KEY, at INTEGER NOT NULL, kind TEXT NOT NULL, caller TEXT NOT NULL, request_id TEXT NOT NULL,
    made TEXT NOT NULL, UNIQUE (kind, caller, request_id)
  );

  -- The newest fence and the row of the newest lease. They are stored so that neither is given out twice, whatever rows
  -- are deleted.
  CREATE TABLE claim_counter (
    only INTEGER PRIMARY KEY CHECK (only = 1), fence INTEGER NOT NULL, lease INTEGER NOT NULL
  );

  -- Row numbers are the ids of the leases, in the order of their requests. fence: 0 before the grant. resources: JSON.
  -- offered: whether the lease was granted to a waiter. holder_name: the holder's name at the time of the request,
  -- because the holder may be deleted.
  CREATE TABLE lease (
    row INTEGER PRIMARY KEY, state TEXT NOT NULL, fence INTEGER NOT NULL, holder TEXT NOT NULL,
    holder_name TEXT NOT NULL, workspace TEXT NOT NULL, resources TEXT NOT NULL, shared INTEGER NOT NULL,
    reason TEXT NOT NULL, note TEXT, task TEXT, ttl_s INTEGER NOT NULL, max_s INTEGER NOT NULL, offered INTEGER NOT NULL,
    requested_at INTEGER NOT NULL, granted_at INTEGER, ended_at INTEGER
  );
  CREATE INDEX lease_live ON lease (row) WHERE ended_at IS NULL;
  `,
  `
  -- Row numbers are part of the ids, and are never reused. recipients: JSON, the ids of the instances that got the
  -- message. expires_at: null if the sender gave no time. Long columns come last, so that a read that does not need
  -- them can skip them.
  CREATE TABLE message (
    row INTEGER PRIMARY KEY AUTOINCREMENT, sent_at INTEGER NOT NULL, expires_at INTEGER, reply_to INTEGER,
    sender TEXT NOT NULL, sender_name TEXT NOT NULL, intent TEXT NOT NULL, importance TEXT NOT NULL,
    subject TEXT NOT NULL, recipients TEXT NOT NULL, body TEXT NOT NULL, data TEXT
  );
  CREATE INDEX message_expires ON message (expires_at) WHERE expires_at IS NOT NULL;
  -- One row for each box that a message is in: the in-box of each recipient, and the out-box ('out') of the sender.
  -- name: the name of the box's owner when the message was sent. All messages of a box, or of a thread in a box, are
  -- one range of the index.
  CREATE TABLE message_box (
    instance TEXT NOT NULL, box TEXT NOT NULL, message INTEGER NOT NULL, thread TEXT NOT NULL, name TEXT NOT NULL,
    delivered_at INTEGER, read_at INTEGER, acked_at INTEGER, note TEXT, PRIMARY KEY (instance, box, message)
  ) WITHOUT ROWID;
  CREATE INDEX message_box_thread ON message_box (instance, box, thread, message);
  CREATE INDEX message_box_unread ON message_box (instance, message) WHERE box = 'in' AND read_at IS NULL;
  `,
  `
  -- Row numbers are the order in which tasks were created, and are never reused. The columns change only when a client
  -- edits the task. labels, requires, resources and after: JSON. Long columns come last.
  CREATE TABLE task (
    row INTEGER PRIMARY KEY AUTOINCREMENT, id TEXT NOT NULL UNIQUE, workspace TEXT NOT NULL, title TEXT NOT NULL,
    labels TEXT NOT NULL, requires TEXT NOT NULL, resources TEXT NOT NULL, after TEXT NOT NULL,
    max_attempts INTEGER NOT NULL, ttl_s INTEGER NOT NULL, max_s INTEGER NOT NULL, created_by TEXT,
    created_at INTEGER NOT NULL, body TEXT NOT NULL, data TEXT
  );
  -- The state of each task. reserved: the instance for which the task is reserved until reserved_until. claim: the row
  -- of the lease that holds the task. steps: the number of rows in the task's history.
  CREATE TABLE task_life (
    row INTEGER PRIMARY KEY, state TEXT NOT NULL, priority INTEGER NOT NULL, attempts INTEGER NOT NULL,
    not_before INTEGER, assignee TEXT, reserved TEXT, reserved_until INTEGER NOT NULL, claim INTEGER, progress INTEGER,
    cancel_requested INTEGER NOT NULL, steps INTEGER NOT NULL, ready_at INTEGER, updated_at INTEGER NOT NULL,
    claimed_at INTEGER, ended_at INTEGER
  );
  CREATE INDEX task_live ON task_life (row) WHERE ended_at IS NULL;
  -- The texts about each task. A task without texts has no row.
  CREATE TABLE task_text (
    row INTEGER PRIMARY KEY, note TEXT, question TEXT, answer TEXT, error TEXT, checkpoint TEXT, result TEXT
  );
  -- The dependencies between tasks: task waits for on_task. The key begins with on_task, so that its waiters are one
  -- range.
  CREATE TABLE task_after (on_task INTEGER NOT NULL, task INTEGER NOT NULL, PRIMARY KEY (on_task, task)) WITHOUT ROWID;
  -- The history of each task. actor: an instance's id, '' or 'koor'. fence: the fence of the claim that began or ended
  -- with this step. call: the call that caused the step.
  CREATE TABLE task_history (
    task INTEGER NOT NULL, step INTEGER NOT NULL, at INTEGER NOT NULL, actor TEXT NOT NULL, state TEXT NOT NULL,
    note TEXT, fence INTEGER, call TEXT NOT NULL, PRIMARY KEY (task, step)
  ) WITHOUT ROWID;
  `,
  `
  -- The actors and actions that have rows in each span of 512 rows of the audit log. The writer adds these rows. They
  -- replace an index on the rows of the audit log, which would write one page for each actor of a commit. If many
  -- actors write together, that would be most of the cost of a commit.
  DROP INDEX audit_actor;
  DROP INDEX audit_action;
  CREATE TABLE audit_span (
    kind TEXT NOT NULL, name TEXT NOT NULL, span INTEGER NOT NULL, PRIMARY KEY (kind, name, span)
  ) WITHOUT ROWID;
  INSERT INTO audit_span SELECT DISTINCT 'actor', actor, id / 512 FROM audit
    UNION ALL SELECT DISTINCT 'action', action, id / 512 FROM audit;
  `,
  `
  -- Whether the request stays in the queue when no call waits for it; null in rows that are older than this column.
  ALTER TABLE lease ADD COLUMN queued INTEGER;
  `,
  `
  -- The applied position of a node of a cluster, and the part of the membership that is not about a single node. A
  -- single server has no row. now_ms: the log's time. entry: SHA-256 of the last applied entry. outcome: the state
  -- hash.
  CREATE TABLE log_position (
    only INTEGER PRIMARY KEY CHECK (only = 1), generation TEXT NOT NULL, position INTEGER NOT NULL,
    now_ms INTEGER NOT NULL, entry BLOB NOT NULL, outcome BLOB NOT NULL, commands INTEGER NOT NULL,
    settings TEXT NOT NULL, term INTEGER NOT NULL, leader TEXT NOT NULL
  );
  -- The nodes of the cluster. incarnation: the id of the node's last join request. number: the number of its last entry
  -- since then. heard_at: the log's time of that entry.
  CREATE TABLE cluster_node (
    node TEXT PRIMARY KEY, store TEXT NOT NULL, run TEXT NOT NULL, version TEXT NOT NULL, incarnation INTEGER NOT NULL,
    number INTEGER NOT NULL, heard_at INTEGER NOT NULL, position INTEGER NOT NULL
  ) WITHOUT ROWID;
  -- The identity of the data directory. This is the only table whose content differs between nodes.
  CREATE TABLE data_directory (only INTEGER PRIMARY KEY CHECK (only = 1), store TEXT NOT NULL);
  `,
  `
  -- A hash of the request that had this request_id; null if it is unknown, and in rows that are older than this column.
  ALTER TABLE remembered_request ADD COLUMN hash TEXT;
  `,
  `
  -- The state of the event at the head of a webhook's queue, so that deliveries continue after a restart: since when
  -- and how often the event has failed, how much of its budget is spent, and when it is tried again. Null if it has not
  -- failed. dropped: the number of events that were dropped because the queue was full; null means 0.
  ALTER TABLE webhook ADD COLUMN head_event INTEGER;
  ALTER TABLE webhook ADD COLUMN head_since INTEGER;
  ALTER TABLE webhook ADD COLUMN head_tries INTEGER;
  ALTER TABLE webhook ADD COLUMN head_spent INTEGER;
  ALTER TABLE webhook ADD COLUMN next_try_at INTEGER;
  ALTER TABLE webhook ADD COLUMN dropped INTEGER;
  -- The dead letters of webhooks. webhook_body.waiting counts these rows too.
  CREATE TABLE webhook_dead_letter (
    webhook INTEGER NOT NULL, event INTEGER NOT NULL, at INTEGER NOT NULL, attempts INTEGER NOT NULL, error TEXT NOT NULL,
    PRIMARY KEY (webhook, event)
  ) WITHOUT ROWID;
  -- The last attempts of each webhook. status: the receiver's HTTP status; error: null if the event was delivered.
  CREATE TABLE webhook_delivery (
    webhook INTEGER NOT NULL, number INTEGER NOT NULL, at INTEGER NOT NULL, event INTEGER NOT NULL,
    attempt INTEGER NOT NULL, status INTEGER, duration_ms INTEGER NOT NULL, error TEXT, PRIMARY KEY (webhook, number)
  ) WITHOUT ROWID;
  `,
  `
  -- The rows after which the times of a table go back, because the stored times were ahead of the right time. newest:
  -- the time of that row.
  CREATE TABLE time_step (
    name TEXT NOT NULL, row INTEGER NOT NULL, newest INTEGER NOT NULL, PRIMARY KEY (name, row)
  ) WITHOUT ROWID;
  `,
  `
  -- How often a refused call was made within a minute; null means once. The count may only grow, and no other column of
  -- a row may change.
  ALTER TABLE audit ADD COLUMN count INTEGER;
  DROP TRIGGER audit_no_update;
  CREATE TRIGGER audit_no_update BEFORE UPDATE ON audit
    WHEN NEW.count IS NULL OR NOT (
      OLD.outcome = 'error' AND NEW.count >= coalesce(OLD.count, 1) AND NEW.id = OLD.id AND NEW.at = OLD.at AND NEW.actor = OLD.actor
      AND NEW.action = OLD.action AND NEW.resource = OLD.resource AND NEW.detail = OLD.detail
      AND NEW.outcome = OLD.outcome
    )
    BEGIN SELECT RAISE(ABORT, 'the audit log is append-only'); END;
  `,
  `
  -- The id of the instance whose token registered this instance; null if there is none. If that instance is deleted,
  -- this one is too.
  ALTER TABLE instance ADD COLUMN registered_by TEXT;
  CREATE INDEX instance_registered_by ON instance (registered_by) WHERE registered_by IS NOT NULL;
  `,
  `
  -- checkout: the working tree in which the instance works, as JSON text with the members id, branch, root and machine;
  -- null if the instance has not reported one. parent: the id of the instance whose subagent this one is; null if it is
  -- no subagent. registered_by of a subagent is its parent, too.
  ALTER TABLE instance ADD COLUMN checkout TEXT;
  ALTER TABLE instance ADD COLUMN parent TEXT;
  CREATE INDEX instance_parent ON instance (parent) WHERE parent IS NOT NULL;
  -- The sessions of agents' clients, and their subagents. agent: '' for the session itself, else the client's id of the
  -- subagent. instance: the instance of the session or of the subagent. owner: the id of the instance whose token began
  -- the session; '' if it was the server's token or none. ended_at: null while the session or the subagent runs.
  CREATE TABLE agent_session (
    session TEXT NOT NULL, agent TEXT NOT NULL, instance TEXT NOT NULL, owner TEXT NOT NULL, client TEXT NOT NULL,
    ended_at INTEGER, PRIMARY KEY (session, agent)
  ) WITHOUT ROWID;
  CREATE UNIQUE INDEX agent_session_instance ON agent_session (instance);
  CREATE TRIGGER agent_session_of_instance AFTER DELETE ON instance
    BEGIN DELETE FROM agent_session WHERE instance = OLD.id; END;
  `,
  `
  -- scope: repo or checkout; null in rows that are older than this column, whose scope is repo. checkout: the id of the
  -- holder's checkout at the time of the request; null if it had none. parent: the parent of the holder; null if it has
  -- none. touched_at: the time from which max_s counts; null if it counts from the grant.
  ALTER TABLE lease ADD COLUMN scope TEXT;
  ALTER TABLE lease ADD COLUMN checkout TEXT;
  ALTER TABLE lease ADD COLUMN parent TEXT;
  ALTER TABLE lease ADD COLUMN touched_at INTEGER;
  `,
  `
  -- 1 if the server has leased this for an agent that edits the files; null if the holder has requested it.
  ALTER TABLE lease ADD COLUMN automatic INTEGER;
  `,
  `
  -- The last report of each checkout: what it has changed since its base. row: another one for each report. bytes: the
  -- memory of the report. base: the commit with which the checkout was compared.
  CREATE TABLE radar_report (
    row INTEGER PRIMARY KEY AUTOINCREMENT, checkout TEXT NOT NULL UNIQUE, workspace TEXT NOT NULL, branch TEXT,
    base TEXT, reported_at INTEGER NOT NULL, bytes INTEGER NOT NULL
  );
  CREATE INDEX radar_report_workspace ON radar_report (workspace, checkout);
  CREATE INDEX radar_report_reported_at ON radar_report (reported_at);
  -- The files of a report as JSON text. since: for each file, in the order of the paths, the time since which it
  -- overlaps.
  CREATE TABLE radar_files (row INTEGER PRIMARY KEY, files TEXT NOT NULL, since TEXT NOT NULL);
  `,
  `
  -- The budgets with the sums of their period. tokens, cost_usd: the limits; null if the budget does not limit them.
  -- state: the state at the last change. unpriced: the number of reports without a cost. since: when the sums began.
  CREATE TABLE budget (
    id TEXT PRIMARY KEY, scope TEXT NOT NULL, target TEXT NOT NULL, tokens INTEGER, cost_usd REAL, period TEXT NOT NULL,
    warn_at REAL NOT NULL, policy TEXT NOT NULL, state TEXT NOT NULL, used_tokens INTEGER NOT NULL,
    used_cost REAL NOT NULL, reports INTEGER NOT NULL, unpriced INTEGER NOT NULL, since INTEGER NOT NULL,
    updated_at INTEGER NOT NULL
  ) WITHOUT ROWID;
  `,
  `
  -- The records of commands. A row never changes. seen_by: agent, hook, cli or ci. exit_code: null if it is not known.
  CREATE TABLE evidence (
    id INTEGER PRIMARY KEY AUTOINCREMENT, at INTEGER NOT NULL, workspace TEXT NOT NULL, task TEXT, instance_id TEXT,
    name TEXT NOT NULL, seen_by TEXT NOT NULL, client TEXT NOT NULL, command TEXT NOT NULL, exit_code INTEGER,
    duration_ms INTEGER, tree_before TEXT, tree_after TEXT, head TEXT, checkout TEXT, tail TEXT
  );
  CREATE INDEX evidence_task ON evidence (task, command, seen_by, id) WHERE task IS NOT NULL;
  CREATE INDEX evidence_tree ON evidence (tree_after, id) WHERE tree_after IS NOT NULL;
  -- Finds the oldest records of an instance, which are deleted if it has too many.
  CREATE INDEX evidence_instance ON evidence (instance_id, id) WHERE instance_id IS NOT NULL;
  -- The commands that a task requires, as JSON text. edited_at: the last edit that made a record stale. stale_to: the
  -- newest record at that time.
  CREATE TABLE task_evidence (
    row INTEGER PRIMARY KEY, commands TEXT NOT NULL, edited_at INTEGER, stale_to INTEGER NOT NULL
  );
  `,
  `
  -- max_holders: how many may hold the names together; null if the number has no limit of its own. any: JSON, the groups
  -- of alternatives as they were asked for; null if there are none.
  ALTER TABLE lease ADD COLUMN max_holders INTEGER;
  ALTER TABLE lease ADD COLUMN any TEXT;
  `,
  `
  -- account: the account with the provider of language models that the instance uses; null if it is not known.
  ALTER TABLE instance ADD COLUMN account TEXT;
  -- The rate limits that agents have reported. until: when it ends.
  CREATE TABLE rate_limit (
    id INTEGER PRIMARY KEY AUTOINCREMENT, provider TEXT NOT NULL, account TEXT NOT NULL, until INTEGER NOT NULL,
    reason TEXT NOT NULL, reported_by TEXT NOT NULL, reported_at INTEGER NOT NULL, UNIQUE (account, provider)
  );
  `,
  `
  -- registrant: the instance at the beginning of the registrations that led to instance_id. The index finds the oldest
  -- records of a registrant, which are deleted if it has too many.
  ALTER TABLE evidence ADD COLUMN registrant TEXT;
  UPDATE evidence SET registrant = instance_id;
  DROP INDEX evidence_instance;
  CREATE INDEX evidence_registrant ON evidence (registrant, id) WHERE registrant IS NOT NULL;
  `,
  `
  -- traceparent: the trace to which the task belongs, as its creator has given it; null if it has a trace of its own.
  ALTER TABLE task ADD COLUMN traceparent TEXT;
  `,
];

/** The number of the newest layout that this program knows. */
export const LAYOUT_VERSION = MIGRATIONS.length;

/**
 * Migrates the database to the newest layout. All migrations share one transaction, because each transaction waits for
 * the disk.
 */
export function migrate(db: Db): void {
  const applied = Number(db.pragma("user_version", { simple: true }));
  if (applied >= LAYOUT_VERSION) return;
  db.transaction(() => {
    for (const migration of MIGRATIONS.slice(applied)) db.exec(migration);
    db.pragma(`user_version = ${LAYOUT_VERSION}`);
  })();
}
