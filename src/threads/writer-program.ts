/**
 * The writer's thread: opens the only handle that is written through, when the database is prepared, and serves the
 * writer's methods. Says `ready` when it does, or `unusable` with the reason where the database cannot be opened.
 */
import { parentPort, workerData } from "node:worker_threads";
import { assert, must } from "../base/assert.js";
import { steadyClock, systemClock } from "../base/clock.js";
import type { MethodTable } from "../rpc/method.js";
import { RpcServer } from "../rpc/server.js";
import { newestTime } from "../store/id-range.js";
import { openFailure, openWriter, type Db } from "../store/open.js";
import { waitUntilPrepared, type WriterData } from "./begun-writer.js";
import { Batch, type AuditTrail } from "./batch.js";
import { isWriterMethod, type AnyMethod } from "./methods.js";
import { Models, type Model } from "./model.js";
import { READY, UNUSABLE } from "./notices.js";
import { WatchedKinds } from "./watched-kinds.js";
import type { WriterMethod } from "./writer-method.js";

/** Runs in a worker that WriterThread has started; returns when the thread serves. */
export function runWriter(methods: MethodTable<AnyMethod>, audit: Model<AuditTrail>): void {
  const port = must(parentPort, "the writer runs in a worker thread");
  const data = workerData as WriterData;
  let batch: Batch | undefined;
  const server = new RpcServer<WriterMethod>(port, {
    methods: methods as unknown as MethodTable<WriterMethod>,
    clock: systemClock,
    execute: (calls) => {
      assert(
        calls.every(({ method }) => isWriterMethod(method)),
        "the writer is asked for its own methods",
      );
      must(batch, "calls come after the database is open").execute(calls, server);
      for (const { method } of calls) method.afterwards?.({ db: must(db, "it is open"), stop: () => server.close() });
    },
  });
  let db: Db | undefined;
  waitUntilPrepared(data);
  try {
    db = openWriter(data.data_dir);
    batch = new Batch({
      db,
      models: new Models(db, data.settings),
      methods: methods.rows.filter(isWriterMethod),
      audit,
      clock: steadyClock(newestTime(db, "main")),
      committed: new BigInt64Array(data.committed),
      watched: new WatchedKinds(data.watched),
    });
    server.notify(READY, null);
    server.flush();
  } catch (error) {
    db?.close();
    server.notify(UNUSABLE, openFailure(error));
    server.flush();
    server.close();
  }
}
