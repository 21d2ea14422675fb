/**
 * Runs the writer thread. The thread waits until the front has prepared the database. Then it opens the only writable
 * handle, and serves the writer's methods. It sends `ready` when it serves. If it cannot open the database, it sends
 * `unusable` with the reason.
 */
import { parentPort, workerData } from "node:worker_threads";
import { must } from "../../base/assert.js";
import { machineClock, steadyClock } from "../../base/clock.js";
import { SharedCounter } from "../../base/shared-counter.js";
import type { MethodTable } from "../rpc/method.js";
import { RpcServer, type ServerCall } from "../rpc/server.js";
import { detachFromCluster } from "../store/detach-from-cluster.js";
import { openFailure, openWriter, type Db } from "../store/open.js";
import { waitUntilPrepared, type WriterData } from "./early-writer.js";
import { Batch, type BatchOptions } from "./batch.js";
import { isWriterMethod, type AnyMethod } from "./methods.js";
import { Models, type Model } from "./model.js";
import { READY, UNUSABLE } from "./push-messages.js";
import { SharedClock, SharedTime } from "./shared-time.js";
import type { AuditTrail } from "./transaction.js";
import { WatchedKinds } from "./watched-kinds.js";
import type { WriterMethod } from "./writer-method.js";

/** Executes the calls of the front. */
export interface Executor {
  execute(calls: readonly ServerCall<WriterMethod>[]): void;
  /** Called when the thread ends. It executes no more calls afterwards. */
  close(): void;
}

/** The objects that the writer thread passes to the code of a cluster's node. */
export interface NodeGround {
  readonly data: WriterData;
  readonly batch: BatchOptions & { readonly clock: SharedClock };
  readonly table: MethodTable;
  readonly server: RpcServer<WriterMethod>;
}

/** Loads the modules that only a node of a cluster needs. */
export type LoadNode = () => Promise<{ readonly openNode: (ground: NodeGround) => Executor }>;

/** Serves the writer's methods. Called in a worker thread that WriterThread has started. */
export function runWriter(methods: MethodTable<AnyMethod>, audit: Model<AuditTrail>, loadNode: LoadNode): void {
  const port = must(parentPort, "the writer runs in a worker thread");
  const data = workerData as WriterData;
  let executor: Executor | undefined;
  const server = new RpcServer<WriterMethod>(port, {
    methods: methods as unknown as MethodTable<WriterMethod>,
    clock: machineClock,
    execute: (calls) => {
      must(executor, "calls come after the database is open").execute(calls);
      for (const { method } of calls) method.afterwards?.({ db: must(db, "it is open"), stop });
    },
  });
  const stop = (): void => {
    executor?.close();
    server.close();
  };
  let db: Db | undefined;
  waitUntilPrepared(data);
  try {
    db = openWriter(data.data_dir);
    const options = {
      db,
      models: new Models(db, data.settings),
      methods: methods.rows.filter(isWriterMethod),
      audit,
      clock: new SharedClock(steadyClock(), new SharedTime(data.time)),
      committed: new SharedCounter(data.committed),
      watched: new WatchedKinds(data.watched),
      remoteWrites: data.cluster === null ? null : new SharedCounter(data.remoteWrites),
    } satisfies BatchOptions;
    if (data.cluster === null) {
      detachFromCluster(db);
      const batch = new Batch(options);
      executor = { execute: (calls) => batch.execute(calls, server), close: () => undefined };
      serve();
    } else {
      server.pause();
      void loadNode().then((node) => {
        executor = node.openNode({ data, batch: options, table: methods, server });
        serve();
        server.resume();
      });
    }
  } catch (error) {
    db?.close();
    server.push(UNUSABLE, openFailure(error));
    server.flush();
    server.close();
  }
  function serve(): void {
    server.push(READY, null);
    server.flush();
  }
}
