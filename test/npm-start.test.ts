/**
 * Tests `npm start` as a process: the server in the launcher's own process, its flags, its exit codes, and a signal
 * that arrives twice because npm forwards the terminal's. Other tests are about the server itself.
 */
import { spawn, type ChildProcess } from "node:child_process";
import { once } from "node:events";
import { connect } from "node:net";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import t, { type Test } from "tap";

// This file runs from dist/tree/test.
const ROOT = fileURLToPath(new URL("../../..", import.meta.url));
const START = join(ROOT, "deploy", "start.mjs");

/** The part of tap's `t` that a started server needs. */
type TestFolder = Pick<Test, "testdir" | "teardown">;

/** Half of the time in which deploy/start.mjs takes two signals for one. */
const FORWARDED_GAP_MS_MAX = 250;
const ATTEMPTS_MAX = 8;

interface Started {
  readonly child: ChildProcess;
  readonly port: number;
}

/** Collects a stream's output, and waits for more of it. Rejects when the stream ends without it. */
function listenFor(stream: NodeJS.ReadableStream): (pattern: RegExp) => Promise<RegExpExecArray> {
  let text = "";
  stream.setEncoding("utf8");
  stream.on("data", (chunk: string) => (text += chunk));
  return async (pattern) => {
    for (;;) {
      const found = pattern.exec(text);
      if (found) return found;
      const more = await Promise.race([once(stream, "data").then(() => true), once(stream, "end").then(() => false)]);
      if (!more && !pattern.test(text)) throw new Error(`${pattern.source} never came:\n${text}`);
    }
  };
}

async function start(t: TestFolder, environment: Record<string, string>): Promise<Started> {
  const args = ["--bind", "127.0.0.1:0", "--dashboard-bind", "", "--data-dir", join(t.testdir({}), "data")];
  const { npm_lifecycle_event: _ours, ...inherited } = process.env;
  const child = spawn(process.execPath, [START, ...args], {
    env: { ...inherited, ...environment },
    stdio: ["ignore", "ignore", "pipe"],
  });
  t.teardown(() => child.kill("SIGKILL"));
  const sees = listenFor(child.stderr);
  const listening = await sees(/koor listening.* api=127\.0\.0\.1:(\d+)/);
  return { child, port: Number(listening[1]) };
}

/** Asks for the server's health over one connection until it drains or closes the connection. */
async function waitForDrain(port: number): Promise<void> {
  const socket = connect(port, "127.0.0.1");
  const untilOutput = listenFor(socket);
  for (let answers = 1, draining = false; !draining; answers += 1) {
    socket.write("GET /health HTTP/1.1\r\nHost: localhost\r\n\r\n");
    draining = await untilOutput(new RegExp(`("status".*\\s*){${answers}}`)).then(
      ([found]) => found.includes("draining"),
      () => true,
    );
  }
  socket.destroy();
}

interface Stopped {
  /** The answer to the request in flight; empty where it was cut off. */
  readonly answer: string;
  readonly code: number | null;
  /** The time between the two signals, as this process measured it. */
  readonly gapMs: number;
}

/**
 * Sends a signal while a request is in flight, again when the server has begun to stop, and then the rest of the
 * request.
 */
async function stopTwice({ child, port }: Started): Promise<Stopped> {
  const socket = connect(port, "127.0.0.1");
  const untilOutput = listenFor(socket);
  // The answer to the first request shows that the second has begun, too: they came in one piece.
  socket.write(
    "GET /health HTTP/1.1\r\nHost: localhost\r\n\r\n" +
      "PUT /api/state/a HTTP/1.1\r\nHost: localhost\r\nContent-Length: 4\r\n\r\n12",
  );
  await untilOutput(/"status":"ok"/);
  const exit = once(child, "exit") as Promise<[number | null]>;
  const drain = waitForDrain(port);
  const firstMs = performance.now();
  child.kill("SIGINT");
  // Two signals at the same time would reach the server as one.
  await drain;
  child.kill("SIGINT");
  const gapMs = performance.now() - firstMs;
  socket.write("34");
  const answer = await untilOutput(/"version":1/).then(
    ([found]) => found,
    () => "",
  );
  const [code] = await exit;
  socket.destroy();
  return { answer, code, gapMs };
}

t.test("a signal that npm has forwarded as well counts once", async (t) => {
  let stopped: Stopped;
  let attempts = 0;
  // On a busy machine the second signal may come too late to pass for npm's.
  do {
    stopped = await stopTwice(await start(t, { npm_lifecycle_event: "start" }));
    attempts += 1;
  } while (stopped.gapMs > FORWARDED_GAP_MS_MAX && attempts < ATTEMPTS_MAX);
  t.equal(stopped.answer, `"version":1`, "the request in flight was answered");
  t.equal(stopped.code, 0);
});

t.test("a signal to npm alone reaches the server", { skip: process.platform === "win32" && "cmd.exe" }, async (t) => {
  const args = ["--bind", "127.0.0.1:0", "--dashboard-bind", "", "--data-dir", join(t.testdir({}), "data")];
  const { npm_lifecycle_event: _ours, ...inherited } = process.env;
  // It has a group of its own: whatever is left of it ends with the test.
  const npm = spawn("npm", ["start", "--", ...args], {
    cwd: ROOT,
    env: inherited,
    stdio: ["ignore", "ignore", "pipe"],
    detached: true,
  });
  t.teardown(() => {
    try {
      if (npm.pid !== undefined) process.kill(-npm.pid, "SIGKILL");
    } catch {
      // Nothing is left.
    }
  });
  const sees = listenFor(npm.stderr);
  await sees(/koor listening/);
  npm.kill("SIGTERM");
  t.ok(await sees(/koor stopped/));
});

t.test("a second signal of the user stops at once", async (t) => {
  const { answer, code } = await stopTwice(await start(t, {}));
  t.equal(answer, "", "the request in flight was not awaited");
  t.equal(code, 1);
});

t.test("the server's exit code is the command's", async (t) => {
  const child = spawn(process.execPath, [START, "--no-such-flag"], { stdio: ["ignore", "ignore", "pipe"] });
  const says = listenFor(child.stderr);
  const exit = once(child, "exit") as Promise<[number | null]>;
  await says(/unknown flag --no-such-flag/);
  t.equal((await exit)[0], 2);
});
