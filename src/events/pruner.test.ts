/** Pruning, driven by ticks: when it is asked for, in which steps, what stays, and what a writer that is busy means. */
import Database from "better-sqlite3";
import t from "tap";
import { EVENT_PRUNE_ROWS } from "../../schemas/limits.js";
import type { Log } from "../base/log.js";
import { Failure } from "../base/result.js";
import type { RpcClient } from "../rpc/client.js";
import { migrate } from "../store/migrate.js";
import { EventPruner } from "./pruner.js";
import { EventAppender } from "./table.js";

const INTERVAL_MS = 60_000;

/** A writer with a database of its own that holds `count` events; its calls are answered in the next microtask. */
class FakeWriter {
  readonly db = new Database(":memory:");
  readonly appender: EventAppender;
  readonly asked: { readonly method: string; readonly keep: number }[] = [];
  busy = false;

  constructor(count: number) {
    migrate(this.db);
    this.appender = new EventAppender(this.db);
    this.publish(count);
  }

  publish(count: number): void {
    this.db.transaction(() => {
      for (let at = 0; at < count; at++) this.appender.append("a", "null", "", 0);
    })();
  }

  request(method: string, { keep }: { readonly keep: number }): Promise<unknown> {
    this.asked.push({ method, keep });
    return Promise.resolve(this.busy ? new Failure("UNAVAILABLE", "the server is not ready, try again") : this.appender.prune(keep, EVENT_PRUNE_ROWS));
  }

  ids(): number[] {
    return this.db.prepare<[], number>("SELECT id FROM event ORDER BY id").pluck().all();
  }
}

const silent = { debug: () => undefined } as unknown as Log;

/** All microtasks that are due. */
const settled = (): Promise<void> => new Promise((resolve) => {
  setImmediate(resolve);
});

t.test("the newest stay, whatever is older goes at the interval", async (t) => {
  const writer = new FakeWriter(12);
  t.teardown(() => writer.db.close());
  const pruner = new EventPruner(writer as unknown as RpcClient, 10, INTERVAL_MS, silent, 1000);
  pruner.tick(1000);
  pruner.tick(1000 + INTERVAL_MS - 1);
  await settled();
  t.same(writer.asked, [], "not before its time");
  pruner.tick(1000 + INTERVAL_MS);
  await settled();
  t.same(writer.asked, [{ method: "events.prune", keep: 10 }]);
  t.same(writer.ids(), [3, 4, 5, 6, 7, 8, 9, 10, 11, 12]);
  pruner.tick(1000 + INTERVAL_MS + 1);
  await settled();
  t.equal(writer.asked.length, 1, "once an interval");
  writer.publish(1);
  pruner.tick(1000 + 2 * INTERVAL_MS);
  await settled();
  t.same(writer.ids(), [4, 5, 6, 7, 8, 9, 10, 11, 12, 13], "an id is never used again");
});

t.test("many are removed in steps, so that no write waits long behind them", async (t) => {
  const keep = 5;
  const writer = new FakeWriter(2 * EVENT_PRUNE_ROWS + 500 + keep);
  t.teardown(() => writer.db.close());
  const newest = writer.appender.last_id;
  const pruner = new EventPruner(writer as unknown as RpcClient, keep, INTERVAL_MS, silent, 0);
  pruner.tick(INTERVAL_MS);
  pruner.tick(3 * INTERVAL_MS);
  await settled();
  t.equal(writer.asked.length, 3, "as many steps as it takes, and no second round beside the first");
  t.same(writer.ids(), Array.from({ length: keep }, (_, at) => newest - keep + 1 + at));
});

t.test("a writer that is busy is asked again at the next interval", async (t) => {
  const writer = new FakeWriter(3);
  t.teardown(() => writer.db.close());
  const pruner = new EventPruner(writer as unknown as RpcClient, 1, INTERVAL_MS, silent, 0);
  writer.busy = true;
  pruner.tick(INTERVAL_MS);
  await settled();
  t.same(writer.ids(), [1, 2, 3]);
  writer.busy = false;
  pruner.tick(INTERVAL_MS + 1);
  await settled();
  t.equal(writer.asked.length, 1, "not before");
  pruner.tick(2 * INTERVAL_MS);
  await settled();
  t.same(writer.ids(), [3]);
});

t.test("0 keeps all", async (t) => {
  const writer = new FakeWriter(3);
  t.teardown(() => writer.db.close());
  const pruner = new EventPruner(writer as unknown as RpcClient, 0, INTERVAL_MS, silent, 0);
  pruner.tick(10 * INTERVAL_MS);
  await settled();
  t.same(writer.asked, []);
});

t.test("fewer than are to be kept stay as they are", async (t) => {
  const writer = new FakeWriter(3);
  t.teardown(() => writer.db.close());
  const pruner = new EventPruner(writer as unknown as RpcClient, 3, INTERVAL_MS, silent, 0);
  pruner.tick(INTERVAL_MS);
  await settled();
  t.same(writer.ids(), [1, 2, 3]);
});
