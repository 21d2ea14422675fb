/**
 * Tests `events subscribe` against a fake server that drops connections, refuses upgrades and restarts. Each event must
 * be printed once and in order.
 */
import { spawn } from "node:child_process";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import t, { type Test } from "tap";
import type { WebSocket } from "ws";

import { CLI_POLL_EVENTS } from "../schemas/limits/cli.js";
import { FakeServer, replyError, replyJson, type HttpReply, type SeenRequest } from "../test/cli/fake-server.js";
import { CLI_PROGRAM, RunningCli } from "../test/cli/run-cli.js";

/**
 * Returns the JSON of an event, as the server sends it. A number in the data has more digits than a double can hold.
 */
function eventText(id: number): string {
  return `{"id":${id},"topic":"a.b","data":12345678901234567890,"source":"","created_at":"2026-02-09T14:30:00Z"}`;
}

/** A fake server with a history of events. The history has all events from id 1 to the id `last`. */
class FakeBus {
  last = 0;

  constructor(readonly fake: FakeServer) {
    fake.answer = (request) => this.answer(request);
    fake.onSocket = (socket, url) => this.replay(socket, Number(url.searchParams.get("since")));
  }

  private listAfter(after: number): string[] {
    return Array.from({ length: this.last - after }, (_, index) => eventText(after + 1 + index));
  }

  private answer(request: SeenRequest): HttpReply {
    const url = new URL(request.url, "http://fake");
    if (url.pathname === "/api/metrics") return replyJson({ last_event_id: this.last });
    const events = this.listAfter(Number(url.searchParams.get("after")));
    return { body: `[${events.slice(0, Number(url.searchParams.get("last"))).join(",\n")}]` };
  }

  private replay(socket: WebSocket, since: number): void {
    for (const text of this.listAfter(since)) socket.send(text);
  }

  publish(count = 1): void {
    for (let more = 0; more < count; more += 1) {
      this.last += 1;
      for (const socket of this.fake.sockets) if (socket.readyState === socket.OPEN) socket.send(eventText(this.last));
    }
  }

  get positions(): (string | null)[] {
    return this.fake.upgrades.map((url) => new URL(url, "http://fake").searchParams.get("since"));
  }
}

interface Bench {
  readonly fake: FakeServer;
  readonly bus: FakeBus;
  readonly cwd: string;
  readonly subscribe: (...args: string[]) => RunningCli;
}

async function setUp(t: Test): Promise<Bench> {
  const fake = await FakeServer.start();
  const bus = new FakeBus(fake);
  const cwd = t.testdir();
  t.teardown(() => fake.stop());
  const subscribe = (...args: string[]): RunningCli => {
    const running = new RunningCli(["events", "subscribe", ...args], {
      cwd,
      env: { KOOR_SERVER: fake.url, KOOR_TOKEN: "tok" },
    });
    t.teardown(() => running.kill());
    return running;
  };
  return { fake, bus, cwd, subscribe };
}

/** Resolves when the fake server has accepted `count` WebSockets since it started. */
async function untilSockets(bench: Bench, count: number): Promise<void> {
  const { fake } = bench;
  if (fake.sockets.length >= count) return;
  await new Promise<void>((resolve) => {
    const before = fake.onSocket;
    fake.onSocket = (socket, url, headers) => {
      before(socket, url, headers);
      if (fake.sockets.length >= count) resolve();
    };
  });
}

/** Waits until `measure` returns a stable value: the same one ten times in a row, 50 ms apart. */
async function untilStill(measure: () => number): Promise<number> {
  return await new Promise((resolve) => {
    let last = Number.NaN;
    let same = 0;
    const timer = setInterval(() => {
      const now = measure();
      same = now === last ? same + 1 : 0;
      last = now;
      if (same < 10) return;
      clearInterval(timer);
      resolve(now);
    }, 50);
  });
}

function range(from: number, to: number): string[] {
  return Array.from({ length: to - from + 1 }, (_, index) => eventText(from + index));
}

t.test("new events are printed, one event a line", async (t) => {
  const bench = await setUp(t);
  bench.bus.last = 41;
  const running = bench.subscribe("api.* b?");
  await untilSockets(bench, 1);
  t.equal(bench.fake.upgrades[0], "/api/events/subscribe?pattern=api.*%20b%3F&since=41&notices=1");
  t.match(bench.fake.requests, [{ url: "/api/metrics", headers: { authorization: "Bearer tok" } }]);
  bench.bus.publish(3);
  t.same(await running.untilLines(3), range(42, 44));
  running.child.kill("SIGINT");
  t.equal(await running.exit(), 0, "Ctrl-C is exit 0");
  t.equal(running.stderr, "");
});

t.test("it resumes after the last event that it printed, or after its start", async (t) => {
  const bench = await setUp(t);
  const { fake, bus } = bench;
  bus.last = 5;
  const running = bench.subscribe();
  await untilSockets(bench, 1);
  fake.sockets[0]?.terminate();
  // Publish an event while no client is connected. Nothing has been printed yet.
  bus.publish();
  t.same(await running.untilLines(1), range(6, 6));
  fake.sockets[1]?.send(eventText(6));
  bus.publish(2);
  await running.untilLines(3);
  fake.sockets[1]?.close(1001);
  bus.publish();
  t.same(await running.untilLines(4), range(6, 9), "each event once, in order");
  t.same(bus.positions, ["5", "5", "8"]);
  t.match(running.stderr, /trying again\n.*connected again/, "stderr reports it");
  running.child.kill("SIGTERM");
  t.equal(await running.exit(), 0);
});

t.test("it continues when the server has restarted", async (t) => {
  const bench = await setUp(t);
  const running = bench.subscribe("--since", "0");
  await untilSockets(bench, 1);
  t.same(bench.fake.requests, [], "--since needs no position");
  bench.bus.publish(2);
  await running.untilLines(2);
  const { port } = bench.fake;
  await bench.fake.stop();
  await running.until("the loss was seen", () => /trying again/.test(running.stderr));
  const again = await FakeServer.start(port);
  t.teardown(() => again.stop());
  const bus = new FakeBus(again);
  bus.last = 4;
  t.same(await running.untilLines(4), range(1, 4));
  t.same(bus.positions, ["2"]);
});

t.test("a server with an older history is reported, and its events are printed", async (t) => {
  const bench = await setUp(t);
  bench.fake.onSocket = (socket, url) => {
    const since = Number(url.searchParams.get("since"));
    if (since > bench.bus.last) socket.send(`{"type":"lagged","last_id":${bench.bus.last}}`);
  };
  bench.bus.last = 3;
  const running = bench.subscribe("--since", "50");
  await untilSockets(bench, 1);
  await running.until("it was reported", () => /lagged: the server's newest event is 3, not 50/.test(running.stderr));
  bench.bus.publish(2);
  t.same(await running.untilLines(2), range(4, 5));
});

t.test("--pretty indents each event", async (t) => {
  const bench = await setUp(t);
  bench.bus.last = 1;
  const running = bench.subscribe("--since", "0", "--pretty");
  const lines = await running.untilLines(7);
  t.same(lines.slice(0, 4), ["{", '  "id": 1,', '  "topic": "a.b",', '  "data": 12345678901234567890,']);
});

t.test("a refusal is exit 1 and not retried", async (t) => {
  for (const status of [400, 401, 403]) {
    const bench = await setUp(t);
    bench.fake.answerUpgrade = () => replyError(status, `because ${status}`);
    const running = bench.subscribe("[");
    t.equal(await running.exit(), 1, `${status} to the upgrade`);
    t.match(running.stderr, `koor: because ${status} (${status})`);
    t.equal(bench.fake.upgrades.length, 1, "it asked once");
    t.equal(running.stdout, "");
  }
  const bench = await setUp(t);
  bench.fake.answer = () => replyError(401, "invalid or missing bearer token");
  const running = bench.subscribe();
  t.equal(await running.exit(), 1, "401 to the first request");
  t.same(bench.fake.upgrades, []);
});

t.test("a server that is unreachable at the start is exit 3", async (t) => {
  for (const args of [[], ["--since", "1"]]) {
    const bench = await setUp(t);
    const running = bench.subscribe(...args);
    running.child.kill("SIGSTOP");
    await bench.fake.stop();
    running.child.kill("SIGCONT");
    t.equal(await running.exit(), 3, args.join(" "));
    t.match(running.stderr, /cannot reach .*: connection refused/);
  }
});

t.test("it polls where WebSocket cannot pass", async (t) => {
  const bench = await setUp(t);
  const { fake, bus } = bench;
  bus.last = 2;
  fake.answerUpgrade = () => replyError(426, "this needs Upgrade: websocket");
  const running = bench.subscribe("a.*");
  await running.until("it says so", () =>
    /no WebSocket \(the answer was 426\), polling every 2 s/.test(running.stderr),
  );
  // Publish more events than one page can contain.
  bus.publish(CLI_POLL_EVENTS + 3);
  t.same(await running.untilLines(CLI_POLL_EVENTS + 3), range(3, CLI_POLL_EVENTS + 5));
  bus.publish();
  t.same((await running.untilLines(CLI_POLL_EVENTS + 4)).at(-1), eventText(CLI_POLL_EVENTS + 6));
  t.equal(fake.upgrades.length, 1, "the upgrade is not tried each time");
  t.equal(fake.requests[1]?.url, `/api/events/history?after=2&topic=a.*&last=${CLI_POLL_EVENTS}`);
  fake.answer = () => replyError(401, "invalid or missing bearer token");
  t.equal(await running.exit(), 1, "a refusal ends the polling too");
});

t.test("a server that is busy gets a WebSocket again soon", async (t) => {
  const bench = await setUp(t);
  const { fake, bus } = bench;
  fake.answerUpgrade = () => replyError(503, "shutting down");
  const running = bench.subscribe();
  await running.until("it polls", () => /the answer was 503/.test(running.stderr));
  bus.publish();
  await running.untilLines(1);
  fake.answerUpgrade = () => "accept";
  await untilSockets(bench, 1);
  bus.publish();
  t.same(await running.untilLines(2), range(1, 2));
});

t.test("it polls where upgrades end without an answer", async (t) => {
  const bench = await setUp(t);
  bench.fake.answerUpgrade = () => "close";
  const running = bench.subscribe();
  await running.until("it polls", () => /no WebSocket .*polling/.test(running.stderr));
  bench.bus.publish(2);
  t.same(await running.untilLines(2), range(1, 2));
});

t.test("events that the server had to drop are fetched again", async (t) => {
  const bench = await setUp(t);
  const { fake, bus } = bench;
  const running = bench.subscribe();
  await untilSockets(bench, 1);
  bus.publish(2);
  await running.untilLines(2);
  // The server drops events 3 and 4 and sends a notice. The client must print them before it prints event 5.
  bus.last = 5;
  fake.sockets[0]?.send('{"type":"dropped","count":2,"after_id":2}');
  fake.sockets[0]?.send(eventText(5));
  t.same(await running.untilLines(5), range(1, 5));
  t.same(bus.positions, ["0", "2"]);
  t.equal(running.stderr, "");

  // When the next session asks for the dropped events, the server no longer has them. The client warns and continues.
  bus.last = 7;
  fake.onSocket = (socket) => {
    socket.send('{"type":"dropped","count":1,"after_id":5}');
    socket.send(eventText(7));
  };
  fake.sockets[1]?.send('{"type":"dropped","count":1,"after_id":5}');
  t.same((await running.untilLines(6)).at(-1), eventText(7));
  await running.until("it says so", () => /no longer holds/.test(running.stderr));
});

t.test("--notices prints the notices in place of dropped events", async (t) => {
  const bench = await setUp(t);
  const running = bench.subscribe("--notices");
  await untilSockets(bench, 1);
  const notice = '{"type":"dropped","count":2,"after_id":1}';
  for (const frame of [eventText(1), notice, eventText(4)]) bench.fake.sockets[0]?.send(frame);
  t.same(await running.untilLines(3), [eventText(1), notice, eventText(4)]);
  t.same(bench.bus.positions, ["0"]);
});

t.test("a slow reader holds up the socket, not the memory, and nothing is lost", async (t) => {
  const bench = await setUp(t);
  const running = bench.subscribe();
  await untilSockets(bench, 1);
  running.child.stdout.pause();
  const socket = bench.fake.sockets[0];
  const count = 400;
  const padding = "x".repeat(100_000);
  for (let id = 1; id <= count; id += 1) socket?.send(`{"id":${id},"data":"${padding}"}`);
  // Send 40 MB. The pipe and both socket buffers together hold far less.
  t.ok((await untilStill(() => socket?.bufferedAmount ?? 0)) > 0, "the rest waits at the server");
  running.child.stdout.resume();
  const lines = await running.untilLines(count);
  t.same(
    lines.map((line) => (JSON.parse(line) as { id: number }).id),
    Array.from({ length: count }, (_, index) => index + 1),
  );
});

t.test("it ends when its stdout closes", async (t) => {
  await t.test("a socket: with nothing more to print", async (t) => {
    const bench = await setUp(t);
    const running = bench.subscribe();
    await untilSockets(bench, 1);
    bench.bus.publish();
    await running.untilLines(1);
    running.child.stdout.destroy();
    t.equal(await running.exit(), 0);
    t.equal(running.stderr, "");
  });
  await t.test("a pipe: at the next event", async (t) => {
    const bench = await setUp(t);
    const script = `{ "$0" "$1" events subscribe; echo $? > code; } | head -n 1`;
    const env = { PATH: process.env["PATH"] ?? "", KOOR_SERVER: bench.fake.url };
    const shell = spawn("sh", ["-c", script, process.execPath, CLI_PROGRAM], { cwd: bench.cwd, env });
    const closed = new Promise((resolve) => shell.once("close", resolve));
    t.teardown(() => shell.kill("SIGKILL"));
    await untilSockets(bench, 1);
    const timer = setInterval(() => bench.bus.publish(), 20);
    await closed;
    clearInterval(timer);
    t.equal(readFileSync(join(bench.cwd, "code"), "utf8"), "0\n");
  });
  await t.test("Ctrl-C ends it while a reader does not read", async (t) => {
    const bench = await setUp(t);
    const running = bench.subscribe();
    await untilSockets(bench, 1);
    running.child.stdout.pause();
    for (let id = 1; id <= 100; id += 1) bench.fake.sockets[0]?.send(`{"id":${id},"data":"${"x".repeat(100_000)}"}`);
    await new Promise<void>((resolve) => {
      running.child.stdout.once("readable", resolve);
    });
    running.child.kill("SIGINT");
    t.equal(await running.exit(), 0);
  });
});
