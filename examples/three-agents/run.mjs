/**
 * Plays the example: starts a server and three agents, shows what each of them does, kills one of them on the way, and
 * removes everything at the end. Run: `node examples/three-agents/run.mjs [--slow]`. With `--slow` a person can follow,
 * and look at the dashboard when the play is over. With KOOR_SERVER it plays on that server, in a workspace of its own.
 */
import { execFileSync, spawn, spawnSync } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, realpathSync, rmSync } from "node:fs";
import { devNull, tmpdir } from "node:os";
import { basename, join } from "node:path";
import { createInterface } from "node:readline";
import { setTimeout } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import { writeBeginning } from "./trucks.mjs";

const KOOR = fileURLToPath(new URL("../../deploy/bin/koor.js", import.meta.url));
/** How long each line stands with `--slow`. */
const SLOW_MS = 1_500;
const PLAY_MS_MAX = 300_000;

const isSlow = process.argv.includes("--slow");
const isOwnServer = (process.env.KOOR_SERVER ?? "") === "";
const folder = realpathSync(mkdtempSync(join(tmpdir(), "koor-three-agents-")));
/** The name of the main working tree is the workspace. On a server of others it is one that they do not have. */
const main = join(folder, isOwnServer ? "trucks" : `trucks-${basename(folder).slice(-6)}`);
const running = new Set();
/** Aborted when the play is stopped: Ctrl-C, an agent that fails, or no end after PLAY_MS_MAX. */
const stopped = new AbortController();

/** The environment of all programs, without variables that name an agent of the user or configure git. */
const env = { ...process.env };
for (const name of Object.keys(env)) if (/^KOOR_(?!SERVER$|TOKEN$)|^GIT_|_SESSION_ID$/.test(name)) delete env[name];
Object.assign(env, { GIT_CONFIG_GLOBAL: devNull, GIT_CONFIG_NOSYSTEM: "1" });

function show(name, text) {
  process.stdout.write(`${name.padEnd(8)}${text}\n`);
}

function start(args, options) {
  const child = spawn(process.execPath, args, { env, ...options });
  running.add(child);
  child.once("exit", () => running.delete(child));
  return child;
}

/** Starts a server on free ports, and returns its address and that of its dashboard. */
async function startServer() {
  const ports = ["--bind", "127.0.0.1:0", "--dashboard-bind", "127.0.0.1:0"];
  const server = start([KOOR, "serve", ...ports, "--data-dir", join(folder, "data")], {
    cwd: folder,
    stdio: ["ignore", "ignore", "pipe"],
  });
  server.once("exit", () => stopped.abort(new Error("the server has ended")));
  let log = "";
  for await (const line of createInterface({ input: server.stderr })) {
    log += `${line}\n`;
    const [, api, dashboard] = / api=(\S+) dashboard=(\S+)/.exec(line) ?? [];
    if (api === undefined) continue;
    server.stderr.resume();
    return { url: `http://${api}`, dashboard: `http://${dashboard}` };
  }
  throw new Error(`the server did not start:\n${log}`);
}

/** Makes a git repository with a worktree for each worker. */
function makeRepository(workers) {
  const git = (...words) => execFileSync("git", words, { cwd: main, env: { ...env, ...identity("run") } });
  writeBeginning(main);
  git("init", "--quiet", "--initial-branch", "main");
  git("add", "--all");
  git("commit", "--quiet", "--message", "the list of routes");
  for (const name of workers) git("worktree", "add", "--quiet", "-b", name, join(folder, name));
}

/** Returns the environment with which git commits in the name of an agent. */
function identity(name) {
  const email = `${name}@example.org`;
  return { GIT_AUTHOR_NAME: name, GIT_AUTHOR_EMAIL: email, GIT_COMMITTER_NAME: name, GIT_COMMITTER_EMAIL: email };
}

/** Starts an agent. After each of its lines the agent continues, or is killed if `hear` returns true. */
function startAgent(name, program, cwd, hear) {
  const child = start([fileURLToPath(new URL(program, import.meta.url)), name], {
    cwd,
    env: { ...env, ...identity(name) },
    stdio: ["ignore", "inherit", "inherit", "ipc"],
  });
  child.on("message", async (text) => {
    show(name, text);
    if (isSlow) await setTimeout(SLOW_MS);
    if (hear(text)) child.kill("SIGKILL");
    else child.send("go on", () => undefined);
  });
  child.once("exit", (code, signal) => {
    if (signal === "SIGKILL") show("run", `has killed ${name} (kill -9), which could not give anything back`);
    else if (code !== 0) stopped.abort(new Error(`${name} has ended with ${code ?? signal}`));
  });
  return once(child, "exit", { signal: stopped.signal });
}

async function play() {
  makeRepository(["ben", "cleo"]);
  let cleoStarts;
  const cleoMayStart = new Promise((resolve) => (cleoStarts = resolve));
  let isKilled = false;
  const hear = (text) => {
    // The second worker comes when the first one has a task.
    if (text.startsWith("claims")) cleoStarts();
    // The worker that is halfway through the tests dies, the first time.
    const dies = !isKilled && text.includes("50 %");
    isKilled ||= dies;
    return dies;
  };
  const agents = [
    startAgent("ana", "planner.mjs", main, () => false),
    startAgent("ben", "worker.mjs", join(folder, "ben"), hear),
    cleoMayStart.then(() => startAgent("cleo", "worker.mjs", join(folder, "cleo"), hear)),
  ];
  await Promise.all(agents);
}

/** Removes from a server of others what can be removed: tasks that have not ended, the agents, contract and rule. */
function removeTraces() {
  const workspace = basename(main);
  const koor = (...words) => {
    const options = { cwd: folder, env, encoding: "utf8", stdio: ["ignore", "pipe", "ignore"] };
    const { stdout } = spawnSync(process.execPath, [KOOR, ...words], options);
    return stdout === "" ? {} : JSON.parse(stdout);
  };
  for (const { id, ended_at } of koor("task", "list", "--workspace", workspace).tasks ?? [])
    if (ended_at === null) koor("task", "cancel", id);
  const agents = koor("instances", "list", "--workspace", workspace);
  for (const { id } of Array.isArray(agents) ? agents : []) koor("instances", "delete", id);
  koor("specs", "delete", `${workspace}/truck-api`);
  koor("rules", "delete", `${workspace}/no-field-list`);
}

/** Ends the agents, then the server, and removes the folder. */
async function cleanUp() {
  const endAll = async (children, end) => {
    const ends = children.map((child) => once(child, "exit"));
    for (const child of children) end(child);
    await Promise.all(ends);
  };
  // An agent whose channel closes ends, with the command that it runs. The server has no channel.
  const agents = [...running].filter((child) => child.connected);
  await endAll(agents, (child) => child.disconnect());
  if (!isOwnServer) removeTraces();
  await endAll([...running], (child) => child.kill());
  rmSync(folder, { recursive: true, force: true, maxRetries: 5 });
}

const isOver = setTimeout(PLAY_MS_MAX, undefined, { ref: false });
void isOver.then(() => stopped.abort(new Error("the play has not ended in time")));
for (const signal of ["SIGINT", "SIGTERM"])
  process.once(signal, () => stopped.abort(new Error(`stopped by ${signal}`)));
try {
  // In a fresh clone the first command installs and builds, and says so.
  execFileSync(process.execPath, [KOOR, "--version"], { stdio: ["ignore", "ignore", "inherit"] });
  if (isOwnServer) {
    const { url, dashboard } = await startServer();
    env.KOOR_SERVER = url;
    show("run", `has started a server; its dashboard is ${dashboard}`);
  } else show("run", `plays on ${env.KOOR_SERVER}, in the workspace ${basename(main)}`);
  const startedMs = performance.now();
  await play();
  show("run", `is over after ${((performance.now() - startedMs) / 1000).toFixed(0)} s`);
  if (isSlow && process.stdin.isTTY) {
    show("run", "keeps the dashboard until you press Enter");
    await once(process.stdin, "data", { signal: stopped.signal });
    process.stdin.pause();
  }
} catch (error) {
  process.stderr.write(`${(stopped.signal.reason ?? error).message}\n`);
  process.exitCode = 1;
} finally {
  await cleanUp();
}
