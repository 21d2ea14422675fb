/**
 * Two fake servers that act as the nodes of a cluster, and a command line that is configured with both. Each test has
 * its own folder for the stored client state.
 */
import { readdirSync, readFileSync, writeFileSync } from "node:fs";
import { createServer } from "node:net";
import type { AddressInfo } from "node:net";
import { join } from "node:path";
import type { Test } from "tap";

import { FakeServer, replyJson, type Reply, type HttpReply } from "./fake-server.js";
import { RunningCli, runCli, type CliResult } from "./run-cli.js";

export interface FakeCluster {
  readonly a: FakeServer;
  readonly b: FakeServer;
  /** Both servers, in the format of KOOR_SERVER. */
  readonly servers: string;
  readonly cwd: string;
  readonly koor: (
    args: readonly string[],
    input?: string,
    env?: Readonly<Record<string, string>>,
  ) => Promise<CliResult>;
  readonly start: (args: readonly string[]) => RunningCli;
  /** Returns the stored client state as text; undefined if there is none. */
  readonly memory: () => string | undefined;
  readonly remember: (text: string) => void;
}

/** Returns a URL at which no server listens, because its port was just released. */
export async function findDeadServer(): Promise<string> {
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const { port } = server.address() as AddressInfo;
  await new Promise((resolve) => server.close(resolve));
  return `http://127.0.0.1:${port}`;
}

export async function startCluster(t: Test): Promise<FakeCluster> {
  const [a, b] = [await FakeServer.start(), await FakeServer.start()];
  t.teardown(async () => await Promise.all([a.stop(), b.stop()]));
  const cwd = t.testdir({ state: {}, work: {} });
  const servers = `${a.url},${b.url}`;
  const env = { KOOR_SERVER: servers, XDG_STATE_HOME: join(cwd, "state") };
  const folder = join(cwd, "state", "koor", "clusters");
  const listNames = (): string[] => {
    try {
      return readdirSync(folder);
    } catch {
      return [];
    }
  };
  const options = { cwd: join(cwd, "work"), env };
  return {
    a,
    b,
    servers,
    cwd: options.cwd,
    koor: async (args, input = "", more = {}) => await runCli(args, { ...options, env: { ...env, ...more }, input }),
    start: (args) => {
      const running = new RunningCli(args, options);
      t.teardown(() => running.kill());
      return running;
    },
    memory: () => {
      const [name] = listNames();
      return name === undefined ? undefined : readFileSync(join(folder, name), "utf8");
    },
    remember: (text) => writeFileSync(join(folder, listNames()[0] ?? ""), text),
  };
}

/** Returns a node's reply with this log position. */
export function replyAt(position: number, reply: HttpReply = replyJson({})): HttpReply {
  return { ...reply, headers: { "X-Koor-Position": String(position) } };
}

/** Answers GET requests. After any other request, cuts the connection. */
export function cutWrites(answer: Reply): FakeServer["answer"] {
  return ({ method }) => (method === "GET" ? answer : "close");
}
