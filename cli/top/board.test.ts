/** Tests how `top` keeps its data up to date. The server in the test streams changes. */
import { createServer, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import t, { type Test } from "tap";

import { CliFailure } from "../failure.js";
import type { Settings } from "../settings.js";
import { Board } from "./board.js";
import type { ViewName } from "./data.js";

interface Bench {
  readonly board: Board;
  /** The paths of all requests so far. */
  readonly asked: readonly string[];
  readonly streams: readonly ServerResponse[];
  /** The server's answer for each path. Other paths get status 200 and `[]`. */
  readonly answers: Map<string, { readonly status?: number; readonly body: string }>;
  /** Resolves when the condition holds, which is checked after each request and each answer. */
  readonly until: (holds: () => boolean) => Promise<void>;
  readonly settings: Settings;
}

async function setUp(t: Test, view: ViewName): Promise<Bench> {
  const [asked, streams, checks]: [string[], ServerResponse[], Set<() => void>] = [[], [], new Set()];
  const answers: Bench["answers"] = new Map();
  const look = (): void => {
    for (const check of checks) check();
  };
  const server = createServer((request, response) => {
    const path = (request.url ?? "").split("?")[0] ?? "";
    asked.push(path);
    const { status = 200, body = "[]" } = answers.get(path) ?? {};
    response.writeHead(status, { "Content-Type": path === "/api/changes" ? "text/event-stream" : "application/json" });
    if (path === "/api/changes" && status === 200) streams.push(response.on("error", () => undefined));
    if (path === "/api/changes" && status === 200) response.write(": subscribed\n\n");
    else response.end(body);
    look();
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const url = new URL(`http://127.0.0.1:${(server.address() as AddressInfo).port}`);
  const settings: Settings = { server: url, token: "", instance: "" };
  const stop = new AbortController();
  const board = new Board(settings, view, stop.signal, look);
  t.teardown(async () => {
    stop.abort();
    server.closeAllConnections();
    await new Promise((resolve) => server.close(resolve));
  });
  const until = (holds: () => boolean): Promise<void> =>
    new Promise((resolve) => {
      const check = (): void => {
        if (!holds()) return;
        checks.delete(check);
        resolve();
      };
      checks.add(check);
      check();
    });
  return { board, asked, streams, answers, until, settings };
}

t.test("what has changed is asked for again, once for many changes", async (t) => {
  const { board, asked, streams, answers, until } = await setUp(t, "agents");
  answers.set("/api/instances", { body: '[{"id":"1"}]' });
  void board.run();
  await until(() => streams.length === 1 && board.data.answers.claimed !== undefined);
  t.match(board.data.answers.instances, [{ id: "1" }]);
  t.notOk(asked.includes("/api/audit"), "other views are not asked for");

  answers.set("/api/instances", { body: '[{"id":"2"}]' });
  const change = `data: ${JSON.stringify({ kind: "instance", key: null, version: null })}\n\n`;
  const before = asked.length;
  streams[0]?.write(change.repeat(1_000).slice(0, -9));
  streams[0]?.write(change.slice(-9));
  await until(() => JSON.stringify(board.data.answers.instances) === '[{"id":"2"}]');
  const again = asked.slice(before).filter((path) => path === "/api/instances");
  t.ok(again.length <= 2, `asked ${again.length} times for a thousand changes`);

  board.show("refusals", false);
  await until(() => board.data.answers.audit !== undefined);
  t.same(board.data.answers.audit, [], "a view is asked for when it is shown");
});

t.test("a refusal is shown, a server that is away is tried again", async (t) => {
  const { board, answers, until } = await setUp(t, "refusals");
  answers.set("/api/audit", { status: 403, body: '{"error":"not for agents","code":403}' });
  void board.run();
  await until(() => board.data.refusals.audit !== undefined);
  t.equal(board.data.refusals.audit, "not for agents (403)");
  t.equal(board.trouble, "", "the server is there");
  answers.set("/api/events/history", { status: 503, body: '{"error":"draining","code":503}' });
  board.show("events", false);
  await until(() => board.trouble !== "");
  t.equal(board.trouble, "draining (503)");
  answers.set("/api/events/history", { body: '[{"id":1}]' });
  await until(() => board.trouble === "" && board.data.answers.events !== undefined);
  t.same(board.data.answers.events, [{ id: 1 }]);
});

t.test("without the stream of changes the data stays current", async (t) => {
  const { board, answers, until, asked } = await setUp(t, "agents");
  answers.set("/api/changes", { status: 503, body: "{}" });
  answers.set("/api/instances", { body: '[{"id":"1"}]' });
  void board.run();
  await until(() => board.data.answers.instances !== undefined);
  answers.set("/api/instances", { body: '[{"id":"2"}]' });
  await until(() => JSON.stringify(board.data.answers.instances) === '[{"id":"2"}]');
  t.ok(asked.filter((path) => path === "/api/changes").length > 1, "the stream is tried again");
});

t.test("one frame fails if the server is away", async (t) => {
  const { board, answers, asked } = await setUp(t, "leases");
  t.equal(await board.askOnce(), undefined);
  t.same(asked, ["/metrics", "/api/leases", "/api/leases/waits"]);
  answers.set("/metrics", { status: 502, body: "" });
  t.ok((await board.askOnce()) instanceof CliFailure);
});
