/** Tests the history: it pages through a log that grows meanwhile, and must return what the log contains. */
import * as fc from "fast-check";
import t from "tap";
import { History, HISTORY_ROWS_MAX, type Log } from "./history.js";

interface Row {
  readonly id: number;
  readonly at: string;
}

const timeOf = (ms: number): string => new Date(ms).toISOString();

/** A simulated log of the server. All rows of a batch have the same time, as all rows of a commit do. */
class ServerLog {
  rows: Row[] = [];
  calls = 0;
  failing = false;
  #ms = Date.parse("2026-02-16T14:00:00Z");

  append(count: number): void {
    this.#ms += 1;
    for (let at = 0; at < count; at++) this.rows.push({ id: this.rows.length + 1, at: timeOf(this.#ms) });
  }

  log(options: Partial<Log<Row>> = {}): Log<Row> {
    return {
      read: ({ limit, to }) => {
        this.calls += 1;
        if (this.failing) return Promise.reject(new Error("away"));
        const found = this.rows.filter(({ at }) => to === undefined || at <= to);
        return Promise.resolve(found.slice(-limit).toReversed());
      },
      idOf: ({ id }) => id,
      timeOf: ({ at }) => at,
      pageRows: 3,
      ...options,
    };
  }
}

const anyStep = fc.oneof(
  fc.record({ append: fc.integer({ min: 1, max: 9 }) }),
  fc.constant("refresh" as const),
  fc.constant("older" as const),
);

t.test("the newest rows of the log are held, each once, whatever happens meanwhile", async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(anyStep, { maxLength: 30 }), async (steps) => {
      const server = new ServerLog();
      const history = new History(server.log());
      for (const step of steps) {
        if (step === "refresh") await history.refresh();
        else if (step === "older") await history.older();
        else server.append(step.append);
      }
      await history.refresh();
      const held = history.rows.value?.length ?? 0;
      const wanted = server.rows.toReversed().slice(0, held);
      if (JSON.stringify(history.rows.value) !== JSON.stringify(wanted)) throw new Error("another end than the log's");
      if (held === 0 && server.rows.length > 0) throw new Error("nothing is held");
      while (!history.complete.value) await history.older();
      if (history.rows.value?.length !== server.rows.length) throw new Error("the beginning is missing");
    }),
  );
});

t.test("paging continues after a page of rows of one time", async (t) => {
  const server = new ServerLog();
  server.append(2);
  server.append(20);
  const history = new History(server.log());
  await history.refresh();
  let calls = 0;
  for (; !history.complete.value; calls++) await history.older();
  t.equal(history.rows.value?.length, 22);
  t.ok(calls <= 9, `${calls} calls`);
});

t.test("simultaneous calls run one after another", async (t) => {
  const server = new ServerLog();
  server.append(1);
  server.append(8);
  const history = new History(server.log());
  await Promise.all([history.refresh(), history.older(), history.older(), history.refresh()]);
  t.same(
    history.rows.value?.map(({ id }) => id),
    [9, 8, 7, 6, 5, 4, 3, 2, 1],
  );
});

t.test("another log at the same address replaces the held rows", async (t) => {
  const server = new ServerLog();
  server.append(12);
  const history = new History(server.log());
  await history.refresh();
  server.rows = server.rows.slice(0, 5);
  await history.refresh();
  t.same(
    history.rows.value?.map(({ id }) => id),
    [5, 4, 3],
  );
});

t.test("no more rows are held than the bound, and the list says so", async (t) => {
  const server = new ServerLog();
  server.append(9_000);
  server.append(9_000);
  server.append(9_000);
  const history = new History(server.log({ pageRows: 9_000 }));
  await history.refresh();
  while (!history.complete.value && !history.full) await history.older();
  t.ok(history.full);
  t.equal(history.rows.value?.length, HISTORY_ROWS_MAX);
  t.equal(history.complete.value, false);
  const { calls } = server;
  await history.older();
  t.equal(server.calls, calls, "no more rows are fetched");
  server.append(5);
  await history.refresh();
  t.equal(history.rows.value?.[0]?.id, 27_005, "new rows are still added");
  t.equal(history.rows.value?.length, HISTORY_ROWS_MAX);
});

t.test("a failed call keeps the held rows, and its error until one succeeds", async (t) => {
  const server = new ServerLog();
  server.append(2);
  const history = new History(server.log());
  await history.refresh();
  server.failing = true;
  await history.refresh();
  t.match(history.error.value, { message: "away" });
  t.equal(history.rows.value?.length, 2);
  server.failing = false;
  await history.refresh();
  t.equal(history.error.value, null);
});

t.test("a closed history changes no more", async (t) => {
  const server = new ServerLog();
  server.append(2);
  const history = new History(server.log());
  const asked = history.refresh();
  history.close();
  await asked;
  t.equal(history.rows.value, undefined);
});
