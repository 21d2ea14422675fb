/**
 * Tests the lists that the library reads in parts, against scripted servers. clients/behaviours.json lists them, and
 * describes the expected behaviour.
 */
import t, { type Test } from "tap";
import { behaviour, LISTS, type ListRow } from "../../test/support/behaviours.js";
import { ScriptedServer } from "../../test/support/scripted-server.js";
import { connect, TimeoutError, type Client } from "./client.js";

const NEXT = { "x-koor-next": "after=b%2Fc" };

interface Item {
  readonly id: number;
}
interface Options {
  readonly limit?: number;
  readonly last?: number;
}
const CALLS: Readonly<Record<string, (client: Client, options?: Options) => Promise<unknown>>> = {
  "state.list": (client, options) => client.state.list(options),
  "specs.list": (client) => client.specs.list("p"),
  "specs.projects": (client) => client.specs.projects(),
  "tasks.list": (client, options) => client.tasks.list(options),
  "leases.list": (client, options) => client.leases.list(options),
  "evidence.list": (client, options) => client.evidence.list(options),
  "messages.list": async (client, options) => (await client.messages.list(options)).messages,
  "events.history": (client, options) => client.events.history(options),
};

/** Reads a list from a server that answers with these parts. Returns the ids, and the query of each request. */
async function read(
  t: Test,
  { call, path, member }: ListRow,
  parts: readonly { readonly rows: readonly Item[]; readonly isCut: boolean }[],
  options?: Options,
): Promise<{ ids: number[]; queries: Record<string, string>[] }> {
  const server = await ScriptedServer.start(
    t,
    parts.map(({ rows, isCut }) => ({
      status: 200,
      ...(isCut && { headers: NEXT }),
      body: JSON.stringify(member === undefined ? rows : { [member]: rows }),
    })),
  );
  const rows = (await CALLS[call]?.(connect({ url: server.url }), options)) as readonly Item[];
  const urls = server.requests.map(({ url }) => new URL(url, server.url));
  t.same([...new Set(urls.map(({ pathname }) => pathname))], [path]);
  return { ids: rows.map(({ id }) => id), queries: urls.map(({ searchParams }) => Object.fromEntries(searchParams)) };
}

/** Returns a query with a limit, if the list can have one. */
function limited(row: ListRow, rows: number | undefined): Record<string, string> {
  return row.limit === undefined || rows === undefined ? {} : { [row.limit]: String(rows) };
}

await behaviour(t, "lists-cut", async (t) => {
  const parts = [
    { rows: [{ id: 3 }, { id: 2 }], isCut: true },
    { rows: [{ id: 1 }], isCut: false },
  ];
  for (const row of LISTS) {
    const pageRows = row.paged ? 1000 : undefined;
    const restRows = row.rows_default === undefined ? pageRows : row.rows_default - 2;
    t.same(
      await read(t, row, parts),
      { ids: [3, 2, 1], queries: [limited(row, pageRows), { ...limited(row, restRows), after: "b/c" }] },
      row.call,
    );
  }
});

await behaviour(t, "lists-pages", async (t) => {
  const parts = [
    { rows: Array.from({ length: 1000 }, (_, at) => ({ id: 1001 - at })), isCut: true },
    { rows: [{ id: 1 }], isCut: false },
  ];
  for (const row of LISTS) {
    if (!row.paged) continue;
    const { ids, queries } = await read(t, row, parts);
    t.same([ids.length, ids.at(-1)], [1001, 1], row.call);
    t.same(queries, [limited(row, 1000), { ...limited(row, 1000), after: "b/c" }], row.call);
  }
});

await behaviour(t, "lists-limit", async (t) => {
  const parts = [
    { rows: [{ id: 3 }, { id: 2 }], isCut: true },
    { rows: [{ id: 1 }], isCut: true },
  ];
  for (const row of LISTS) {
    if (row.limit === undefined) continue;
    const { ids, queries } = await read(t, row, parts, { [row.limit]: 3 });
    t.same(ids, [3, 2, 1], row.call);
    t.same(queries, [limited(row, 3), { ...limited(row, 1), after: "b/c" }], row.call);
  }
});

t.test("the other options of a list are those of each request", async (t) => {
  const server = await ScriptedServer.start(t, [
    { status: 200, headers: { "x-koor-next": "before=7" }, body: '[{"id":7}]' },
    { status: 200, body: "[]" },
  ]);
  await connect({ url: server.url }).events.history({ topic: "a.*", before: 9, last: 5, wait_s: 5 });
  t.same(
    server.requests.map(({ url }) => url),
    ["/api/events/history?topic=a.*&before=9&last=5&wait=5", "/api/events/history?topic=a.*&before=7&last=4"],
    "only the first one waits",
  );
});

t.test("a box that was read in parts has the position of its end", async (t) => {
  const server = await ScriptedServer.start(t, [
    { status: 200, headers: { "x-koor-next": "after=m-1" }, body: '{"messages":[{"id":"m-1"}],"last_id":"m-1"}' },
    { status: 200, body: '{"messages":[{"id":"m-2"}],"last_id":"m-2"}' },
  ]);
  const { messages, last_id: lastId } = await connect({ url: server.url }).messages.list();
  t.same([messages.map(({ id }) => id), lastId], [["m-1", "m-2"], "m-2"]);
});

t.test("the time limit and the signal of a call hold for all parts together", async (t) => {
  const endless = await ScriptedServer.start(t, [{ status: 200, headers: NEXT, body: "[]" }]);
  const client = connect({ url: endless.url });
  await t.rejects(client.state.list({ timeoutMs: 50 }), TimeoutError);
  const ending = new AbortController();
  const listed = client.state.list({ signal: ending.signal });
  const ended = t.rejects(listed, { message: "enough" });
  await endless.asked(endless.requests.length + 2);
  ending.abort(new Error("enough"));
  await ended;
});
