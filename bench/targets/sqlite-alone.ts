/**
 * The second reference for durable writes: SQLite alone, in a process of its own that runs one job at a time. It writes
 * the three rows of a PUT (head, version, audit), or the one row of an event. Each transaction has as many writes as
 * Koor had per transaction. SQLite runs in WAL mode with synchronous=FULL.
 */
import { createHash } from "node:crypto";
import { join } from "node:path";
import { createHistogram, performance } from "node:perf_hooks";
import { serveJobs } from "../job-process.js";
import { keyOf, TOPIC, VALUE } from "../load/requests.js";
import { KEYS } from "../settings.js";
import type { Slice } from "../statistics.js";
import { openDatabase } from "../../src/platform/store/sqlite/choice.js";

export interface SqliteJob {
  readonly kind: "put" | "publish";
  readonly directory: string;
  /** Writes per transaction. */
  readonly batch: number;
  readonly duration_ms: number;
}

const NS_PER_MS = 1e6;

// The tables have appended rows and blobs, because this layout writes the fewest pages per commit. The design has a
// table that compares layouts.
const SCHEMA = `
  CREATE TABLE IF NOT EXISTS head (key TEXT PRIMARY KEY, version INTEGER NOT NULL,
    newest INTEGER NOT NULL) WITHOUT ROWID;
  CREATE TABLE IF NOT EXISTS version (id INTEGER PRIMARY KEY, key TEXT NOT NULL, version INTEGER NOT NULL,
    previous INTEGER NOT NULL, hash BLOB NOT NULL, content_type TEXT NOT NULL, updated_at INTEGER NOT NULL,
    value BLOB NOT NULL);
  CREATE TABLE IF NOT EXISTS audit (id INTEGER PRIMARY KEY, at INTEGER NOT NULL, actor TEXT NOT NULL,
    action TEXT NOT NULL, resource TEXT NOT NULL, detail TEXT NOT NULL, outcome TEXT NOT NULL);
  CREATE TABLE IF NOT EXISTS event (id INTEGER PRIMARY KEY, topic TEXT NOT NULL, data TEXT NOT NULL,
    source TEXT NOT NULL, at INTEGER NOT NULL);
`;

interface Writers {
  readonly begin: () => void;
  readonly commit: () => void;
  readonly put: (index: number) => void;
  readonly publish: () => void;
}

function openWriters(directory: string): Writers {
  const db = openDatabase(join(directory, "reference.db"));
  db.pragma("journal_mode = WAL");
  db.pragma("synchronous = FULL");
  db.exec(SCHEMA);
  const begin = db.prepare("BEGIN IMMEDIATE");
  const commit = db.prepare("COMMIT");
  const findHead = db.prepare<[string], { version: number; newest: number }>(
    "SELECT version, newest FROM head WHERE key = ?",
  );
  const addVersion = db.prepare(
    "INSERT INTO version (key, version, previous, hash, content_type, updated_at, value) " +
      "VALUES (?, ?, ?, ?, 'application/json', ?, ?)",
  );
  const setHead = db.prepare(
    "INSERT INTO head VALUES (?, ?, ?) " +
      "ON CONFLICT (key) DO UPDATE SET version = excluded.version, newest = excluded.newest",
  );
  const addAudit = db.prepare(
    "INSERT INTO audit (at, actor, action, resource, detail, outcome) VALUES (?, '', 'state.put', ?, ?, 'success')",
  );
  const addEvent = db.prepare("INSERT INTO event (topic, data, source, at) VALUES (?, ?, '', ?)");
  const value = Buffer.from(VALUE);
  return {
    begin: () => begin.run(),
    commit: () => commit.run(),
    put: (index) => {
      const key = keyOf(index % KEYS);
      const now = Date.now();
      const head = findHead.get(key);
      const version = (head?.version ?? 0) + 1;
      const hash = createHash("sha256").update(value).digest();
      const added = addVersion.run(key, version, head?.newest ?? 0, hash, now, value);
      setHead.run(key, version, added.lastInsertRowid);
      addAudit.run(now, key, `{"version":${version}}`);
    },
    publish: () => addEvent.run(TOPIC, VALUE, Date.now()),
  };
}

let opened: { readonly directory: string; readonly writers: Writers } | undefined;

/** Writes as fast as one thread can. The latencies are those of whole transactions. */
function writeAlone(job: SqliteJob): Slice {
  if (opened?.directory !== job.directory) opened = { directory: job.directory, writers: openWriters(job.directory) };
  const { begin, commit, put, publish } = opened.writers;
  const latencies = createHistogram();
  const startedMs = performance.now();
  let writes = 0;
  let nowMs = startedMs;
  while (nowMs - startedMs < job.duration_ms) {
    begin();
    for (let count = 0; count < job.batch; count++, writes++) {
      if (job.kind === "put") put(writes);
      else publish();
    }
    commit();
    const endedMs = performance.now();
    latencies.record(Math.max(1, Math.round((endedMs - nowMs) * NS_PER_MS)));
    nowMs = endedMs;
  }
  return {
    requests: writes,
    elapsedMs: nowMs - startedMs,
    p50_ms: latencies.percentile(50) / NS_PER_MS,
    p99_ms: latencies.percentile(99) / NS_PER_MS,
    max_ms: latencies.max / NS_PER_MS,
    refused: 0,
    broken: 0,
  };
}

serveJobs(writeAlone);
