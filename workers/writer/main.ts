/**
 * The writer's thread: opens the only writable handle, migrates, and serves the writer's lane of the
 * RPC. Says `ready` when it does, or `unusable` with the reason where the database cannot be opened.
 */
import { parentPort, workerData } from "node:worker_threads";
import Database from "better-sqlite3";
import { releaseStaged } from "../../src/backup/table.js";
import { must } from "../../src/base/assert.js";
import { MonotonicClock, systemClock } from "../../src/base/clock.js";
import { RpcServer } from "../../src/rpc/server.js";
import type { WriterData, WriterReady } from "../../src/rpc/writer-thread.js";
import { writeFailure, openWriter, type Db } from "../../src/store/open.js";
import { WriteContext } from "../../src/store/write-context.js";
import { Batch } from "./batch.js";

const NEWEST_TIME =
  "SELECT max(coalesce((SELECT created_at FROM event ORDER BY id DESC LIMIT 1), 0), coalesce((SELECT at FROM audit ORDER BY id DESC LIMIT 1), 0))";

function runWriter(): void {
  const port = must(parentPort, "the writer runs in a worker thread");
  const data = workerData as WriterData;
  let db: Db | undefined;
  let batch: Batch | undefined;
  const server = new RpcServer(port, {
    clock: systemClock,
    execute: (calls) => {
      must(batch, "calls come after the database is open").execute(calls, server);
      if (calls.some((call) => call.method === "restore.apply")) releaseStaged(must(db, "the database is open"));
      if (calls.some((call) => call.method === "store.close")) close(must(db, "the database is open"), server);
    },
  });
  try {
    db = openWriter(data.data_dir);
    const context = new WriteContext(db, data.settings);
    const newest = Number(db.prepare(NEWEST_TIME).pluck().get());
    batch = new Batch(db, context, new MonotonicClock(systemClock, newest), new BigInt64Array(data.committed));
    const ready: WriterReady = { state_keys: context.state.keys, last_event_id: context.events.last_id };
    server.notify("ready", ready);
  } catch (error) {
    db?.close();
    if (!(error instanceof Database.SqliteError)) throw error;
    server.notify("unusable", error.code);
    server.flush();
    server.close();
  }
  server.flush();
}

function close(db: Db, server: RpcServer): void {
  // A disk that is full cannot take the log into the database; the log itself is safe where it is.
  try {
    db.pragma("wal_checkpoint(TRUNCATE)");
  } catch (error) {
    if (writeFailure(error) === undefined) throw error;
  }
  db.close();
  server.close();
}

runWriter();
