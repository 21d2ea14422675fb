/**
 * Tests that no server survives the process of its test, however that process ends. The test's process is simulated by
 * a child process. A signal kills either this process alone, as a runner does, or its whole process group, as `timeout`
 * or a terminal does. The servers are stopped before that, because a stopped server does not end by itself.
 */
import { spawn } from "node:child_process";
import { rmSync } from "node:fs";
import { connect } from "node:net";
import { createInterface } from "node:readline";
import t from "tap";
import { must } from "../../src/base/assert.js";
import { sampleRows } from "./test-size.js";
import { natsMissing } from "./nats-server.js";
import { tieToThisProcess, type Owner } from "./owner.js";
import { postgresMissing } from "./postgres-server.js";

/** The target of the signal, which is the process id or the negative id of its group, and the signal. */
const DEATHS: readonly (readonly [what: string, signal: NodeJS.Signals, sign: 1 | -1])[] = [
  ["its process is killed", "SIGKILL", 1],
  ["its process is asked to end", "SIGTERM", 1],
  ["its group is killed", "SIGKILL", -1],
  ["its group is asked to end", "SIGTERM", -1],
];

interface ServerRow {
  readonly name: string;
  readonly skip: string | false;
  /** Code that defines `server`, how it is stopped, and where its files are. */
  readonly program: string;
}

const SERVERS: readonly ServerRow[] = [
  {
    name: "NATS",
    skip: natsMissing(),
    program: `
      import { startNats } from ${JSON.stringify(new URL("nats-server.js", import.meta.url))};
      const server = await startNats({ teardown: () => undefined });
      const stop = () => server.hold();
      const folder = server.directory;
    `,
  },
  {
    name: "PostgreSQL",
    skip: postgresMissing(),
    program: `
      import { startPostgres } from ${JSON.stringify(new URL("postgres-server.js", import.meta.url))};
      const server = await startPostgres({ teardown: () => undefined });
      const stop = () => server.freeze();
      const { folder } = server;
    `,
  },
];

/** Code that prints where the server is, and stops it on request. */
const REST = `
  console.log(JSON.stringify({ port: server.port, folder }));
  process.stdin.once("data", () => {
    stop();
    console.log("stopped");
  });
`;

/**
 * Connects to a server. Returns null if no server listens. Otherwise returns a promise that resolves when the
 * connection ends.
 */
async function reach(port: number): Promise<{ readonly ended: Promise<void> } | null> {
  const socket = connect(port, "127.0.0.1");
  socket.on("error", () => undefined);
  // The data is read and dropped. Otherwise the end of the connection would not be noticed.
  socket.resume();
  const untilEvent = (event: "connect" | "close"): Promise<void> =>
    new Promise((resolve) => socket.once(event, () => resolve()));
  const ended = untilEvent("close");
  const isOpen = await Promise.race([untilEvent("connect").then(() => true), ended.then(() => false)]);
  return isOpen ? { ended } : null;
}

/** Starts a server in a process that is the leader of a process group. */
async function startElsewhere(
  t: Owner,
  program: string,
): Promise<{ readonly pid: number; readonly port: number; readonly stop: () => Promise<void> }> {
  const child = spawn(process.execPath, ["--input-type=module", "-e", program + REST], {
    stdio: ["pipe", "pipe", "inherit"],
    detached: true,
  });
  tieToThisProcess(child);
  const lines = createInterface(child.stdout)[Symbol.asyncIterator]();
  const { port, folder } = JSON.parse(String((await lines.next()).value)) as { port: number; folder: string };
  t.teardown(() => rmSync(folder, { recursive: true, force: true }));
  const stop = async (): Promise<void> => {
    child.stdin.write("stop\n");
    await lines.next();
  };
  return { pid: must(child.pid, "it was started"), port, stop };
}

for (const { name, skip, program } of SERVERS)
  for (const [what, signal, sign] of sampleRows(DEATHS, 2))
    t.test(`${name} ends with the process of its test: ${what}`, { skip }, async (t) => {
      const { pid, port, stop } = await startElsewhere(t, program);
      const connection = must(await reach(port), "it listens");
      await stop();
      process.kill(sign * pid, signal);
      await connection.ended;
      for (let left = await reach(port); left !== null; left = await reach(port)) await left.ended;
      t.pass("the connection has ended, and no server listens");
    });
