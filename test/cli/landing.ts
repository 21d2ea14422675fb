/**
 * Agents that land their branches. Each has a clone of a bare remote, and is an instance on a real server. All tests of
 * a file share a server, and each test has its own workspace.
 */
import { execFileSync } from "node:child_process";
import { existsSync, mkdirSync, readdirSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import root from "tap";

import { Agent, eventsOf, nextEvent, type StoredEvent } from "../support/leasing.js";
import { makeDirectory, startKoor, type Koor, type Owner } from "../support/server-process.js";
import { git, gitEnvironment } from "./git.js";
import { RunningCli, runCli, runProgram, type CliResult } from "./run-cli.js";

export interface LandAnswer {
  readonly result: string;
  readonly branch: string;
  readonly head: string;
  readonly onto: string;
  readonly commit: string;
  readonly commits: number;
  readonly files: readonly string[] | null;
  readonly reason: string | null;
  readonly exit_code: number | null;
  readonly log: readonly string[] | null;
  readonly fence: number;
  readonly owner: string;
  readonly task: string | null;
  readonly attempts: number;
}

export interface Lander {
  readonly agent: Agent;
  /** The agent's clone. */
  readonly root: string;
  readonly env: Readonly<Record<string, string>>;
  readonly git: (...words: string[]) => string;
  /**
   * Creates a branch from the remote's `main`, or continues it, with a commit that contains files. Returns the commit.
   */
  readonly commit: (branch: string, files: Readonly<Record<string, string>>) => string;
  /** Runs `koor land` in the clone, in the test's process. */
  readonly land: (words?: readonly string[], env?: Readonly<Record<string, string>>) => Promise<CliResult>;
  /** Runs `koor land` in its own process, so that the test can kill it. */
  readonly landApart: (words?: readonly string[], env?: Readonly<Record<string, string>>) => Promise<CliResult>;
  readonly start: (words?: readonly string[]) => RunningCli;
}

export interface LandingBench {
  readonly server: Koor;
  readonly port: number;
  readonly workspace: string;
  /** The name of the lane of `main`. */
  readonly lane: string;
  readonly top: string;
  /** The bare remote. */
  readonly remote: string;
  /** Runs git in the remote. */
  readonly inRemote: (...words: string[]) => string;
  readonly join: (name: string) => Promise<Lander>;
  /** Returns the events of this lane, oldest first. */
  readonly events: () => Promise<StoredEvent[]>;
  /** Returns the names of the scratch worktrees that still exist. */
  readonly scratch: () => string[];
}

let shared: Promise<Koor> | undefined;
let workspaces = 0;

/** The path of the real program `git`. Tests put other programs of this name before it on PATH. */
export const GIT = execFileSync("sh", ["-c", "command -v git"], { encoding: "utf8" }).trim();

export function answerOf({ stdout, stderr, code }: CliResult): LandAnswer {
  if (stdout === "") throw new Error(`koor land ended with ${code}: ${stderr}`);
  return JSON.parse(stdout) as LandAnswer;
}

function writeFiles(folder: string, files: Readonly<Record<string, string>>): void {
  for (const [path, text] of Object.entries(files)) {
    mkdirSync(dirname(join(folder, path)), { recursive: true });
    writeFileSync(join(folder, path), text);
  }
}

/**
 * Makes a bare remote with one commit on `main`, and a folder for temporary files.
 * @param ownServer whether the test needs its own server, because it stops the server
 */
export async function setUpLanding(t: Owner, ownServer = false): Promise<LandingBench> {
  const server = await (ownServer ? startKoor(t) : (shared ??= startKoor(root)));
  const port = Number(new URL(server.url).port);
  workspaces += 1;
  const workspace = `trucks-${workspaces}`;
  const top = makeDirectory(t);
  const [home, temporary, remote] = [join(top, "home"), join(top, "tmp"), join(top, `${workspace}.git`)];
  for (const folder of [home, temporary, remote]) mkdirSync(folder);
  git(home, remote, "init", "--quiet", "--bare");
  const seed = join(top, "seed");
  git(home, top, "clone", "--quiet", remote, seed);
  writeFiles(seed, { "base.txt": "base\n" });
  git(home, seed, "checkout", "--quiet", "-b", "main");
  git(home, seed, "add", ".");
  git(home, seed, "commit", "--quiet", "--message", "begin");
  git(home, seed, "push", "--quiet", "origin", "main");

  const joinLane = async (name: string): Promise<Lander> => {
    const agent = await Agent.register(port, name, { workspace });
    const clone = join(top, name);
    if (!existsSync(clone)) git(home, top, "clone", "--quiet", remote, clone);
    const inClone = (...words: string[]): string => git(home, clone, ...words);
    const env = { ...gitEnvironment(home), TMPDIR: temporary, KOOR_SERVER: server.url, KOOR_INSTANCE: agent.id };
    return {
      agent,
      root: clone,
      env,
      git: inClone,
      commit: (branch, files) => {
        const isNew = inClone("branch", "--list", branch) === "";
        inClone("checkout", "--quiet", ...(isNew ? ["-b", branch, "origin/main"] : [branch]));
        writeFiles(clone, files);
        inClone("add", ".");
        inClone("commit", "--quiet", "--message", `${branch}: ${Object.keys(files).join(" ")}`);
        return inClone("rev-parse", "HEAD");
      },
      land: async (words = [], more = {}) => await runCli(["land", ...words], { cwd: clone, env: { ...env, ...more } }),
      landApart: async (words = [], more = {}) =>
        await runProgram(["land", ...words], { cwd: clone, env: { ...env, ...more } }),
      start: (words = []) => {
        const running = new RunningCli(["land", ...words], { cwd: clone, env });
        t.teardown(() => running.kill());
        return running;
      },
    };
  };
  const lane = `${workspace}/main`;
  return {
    server,
    port,
    workspace,
    lane,
    top,
    remote,
    inRemote: (...words) => git(home, remote, ...words),
    join: joinLane,
    events: async () => (await eventsOf(port, "land.*")).filter(({ data }) => data["lane"] === lane),
    scratch: () => readdirSync(temporary).filter((name) => name.startsWith("koor-land-")),
  };
}

/**
 * Holds the lane, so that landings have to wait. Returns a function that waits for the next waiting landing, and one
 * that releases the lane.
 */
export async function holdLane({ port, lane, workspace }: LandingBench) {
  const gate = await Agent.register(port, "gate", { workspace });
  const lease = await gate.lease([`name:land@${lane}`]);
  let after = (await nextEvent(port, "lease.granted")).id;
  for (const { id } of await eventsOf(port, "lease.*")) after = Math.max(after, id);
  return {
    nextWaiting: async (): Promise<void> => {
      after = (await nextEvent(port, "lease.waiting", after)).id;
    },
    letGo: async (): Promise<void> => {
      await gate.release(lease);
    },
  };
}
