/** Tests the lists that the server cuts into parts, against a scripted server. */
import t from "tap";
import { ScriptedServer } from "../../test/support/scripted-server.js";
import { connect, TimeoutError, type Client } from "./client.js";

const NEXT = { "x-koor-next": "after=b%2Fc" };

interface Row {
  readonly title: string;
  readonly list: (client: Client) => Promise<readonly unknown[]>;
  /** Returns the answer that has these rows. */
  readonly answerOf: (rows: readonly string[]) => unknown;
  readonly requests: readonly string[];
}

const ROWS: readonly Row[] = [
  {
    title: "state.list",
    list: (client) => client.state.list({ prefix: "b", after: "a" }),
    answerOf: (rows) => rows,
    requests: ["/api/state?prefix=b&after=a", "/api/state?prefix=b&after=b%2Fc"],
  },
  {
    title: "specs.list",
    list: (client) => client.specs.list("p q"),
    answerOf: (specs) => ({ specs }),
    requests: ["/api/specs/p%20q", "/api/specs/p%20q?after=b%2Fc"],
  },
  {
    title: "specs.projects",
    list: (client) => client.specs.projects({ after: "a" }),
    answerOf: (projects) => ({ projects }),
    requests: ["/api/specs?after=a", "/api/specs?after=b%2Fc"],
  },
];

for (const { title, list, answerOf, requests } of ROWS)
  t.test(`${title} reads all parts of a list`, async (t) => {
    const server = await ScriptedServer.start(t, [
      { status: 200, headers: NEXT, body: JSON.stringify(answerOf(["b", "b/c"])) },
      { status: 200, body: JSON.stringify(answerOf(["d"])) },
    ]);
    t.same(await list(connect({ url: server.url })), ["b", "b/c", "d"]);
    t.same(
      server.requests.map(({ url }) => url),
      requests,
    );
  });

t.test("a list with a limit is one page", async (t) => {
  const server = await ScriptedServer.start(t, [{ status: 200, headers: NEXT, body: '["a"]' }]);
  t.same(await connect({ url: server.url }).state.list({ limit: 1 }), ["a"]);
  t.equal(server.requests.length, 1);
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
