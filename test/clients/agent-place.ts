/**
 * The environment of one client in a test: a repository, a home folder, a Koor server, a scripted model, and another
 * instance that holds a file. `koor init` connects the client. Runs in the test's process.
 */
import { spawn } from "node:child_process";
import { mkdirSync, readFileSync, symlinkSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { git, gitEnvironment, makeRepository } from "../cli/git.js";
import { CLI_PROGRAM } from "../cli/run-cli.js";
import { send } from "../support/http-client.js";
import { type Koor, makeDirectory, type Owner, startKoor } from "../support/server-process.js";
import { tieToThisProcess } from "../support/owner.js";
import type { AgentClient, Place } from "./clients.js";
import { type Json, listOf } from "./dialects/dialect.js";
import { type HookGate, startGate } from "./hook-gate.js";
import { newNodeFolder, programOf } from "./installed.js";
import { REFUSING_PROXY } from "./loopback-only.js";
import { type ModelEndpoint, startModel } from "./model-endpoint.js";
import { promptFor } from "./model-script.js";

const TOKEN = "only-for-this-test";
/** The time limit of a client. A client that takes longer hangs. Three clients one after another take less than a test. */
const CLIENT_LIMIT_MS = 120_000;
/** The folder of Koor's programs; this file runs from dist/tree/test/clients. */
const KOOR_BIN = fileURLToPath(new URL("../../../../deploy/bin/", import.meta.url));

export const HOLDER = "holder-of-a";
/** The file that the other instance holds, with its uncommitted work, and a file that is free. */
export const HELD_FILE = "src/held.txt";
export const FREE_FILE = "src/free.txt";
export const SECOND_FILE = "src/second.txt";
/** The beginning of the first text that Koor gives to a session. */
export const WELCOME = "Koor: you are";
/** The file that a second session and its subagent edit. */
export const SHARED_FILE = "src/shared.txt";
/** The files that are edited while the server is away or answers with something else. */
export const ROUGH_FILES = [
  "src/closed.txt",
  "src/garbage.txt",
  "src/html.txt",
  "src/error.txt",
  "src/silent.txt",
] as const;
export const LARGE_FILE = "src/large.txt";
export const HUGE_FILE = "src/huge.txt";
export const HELD_TEXT = "committed\nwork of the holder\n";
export const FREE_TEXT = "before\n";

/** A client's run. */
export interface ClientRun {
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
  readonly output: string;
}

export interface StartedClient {
  readonly ended: Promise<ClientRun>;
  kill(signal: NodeJS.Signals): void;
}

export interface LeaseShown {
  readonly id: string;
  readonly fence: number;
  readonly holder: { readonly id: string; readonly name: string };
  readonly resources: readonly string[];
  readonly state: string;
  readonly granted_at: string | null;
  readonly expires_at: string | null;
}

export interface InstanceShown {
  readonly id: string;
  readonly name: string;
  readonly status: string;
  readonly parent: string | null;
  readonly workspace: string;
  readonly checkout: { readonly id: string } | null;
  readonly registered_at: string;
}

interface Call {
  readonly as?: string;
  readonly body?: object;
}

export class AgentPlace implements Place {
  readonly home: string;
  readonly project: string;
  readonly model: string;
  koor: Koor;
  /** The gate in front of the server. The client sends its requests to the gate. */
  readonly gate: HookGate;
  readonly endpoint: ModelEndpoint;
  readonly client: AgentClient;
  /** The environment of the client, and of commands. */
  readonly env: Readonly<Record<string, string>>;

  constructor(client: AgentClient, folder: string, koor: Koor, gate: HookGate, endpoint: ModelEndpoint) {
    this.client = client;
    this.gate = gate;
    this.home = join(folder, "home");
    this.project = join(folder, "trucks");
    this.koor = koor;
    this.endpoint = endpoint;
    this.model = endpoint.url;
    const newNode = client.needsNewNode ? [newNodeFolder() ?? ""] : [];
    this.env = {
      ...gitEnvironment(this.home),
      ...REFUSING_PROXY,
      PATH: [...newNode, join(this.home, "bin"), process.env["PATH"] ?? ""].join(":"),
      KOOR_SERVER: gate.url,
      KOOR_TOKEN: TOKEN,
      TERM: "xterm-256color",
      ...client.env(this),
    };
  }

  /** Returns the absolute path of a file in the project. */
  readonly path = (name: string): string => join(this.project, name);

  read(name: string): string {
    return readFileSync(this.path(name), "utf8");
  }

  write(name: string, text: string): void {
    mkdirSync(dirname(this.path(name)), { recursive: true });
    writeFileSync(this.path(name), text);
  }

  /** Returns the id of the first session that has sent a hook. */
  sessionId(): string {
    const ids = this.gate.calls.map(({ input }) => input["session_id"] ?? input["sessionID"] ?? rootSessionOf(input));
    return ids.find((id) => typeof id === "string") ?? "";
  }

  /** Restarts the server with the same data. Its address stays the same for clients. */
  async restartServer(t: Owner): Promise<void> {
    await this.koor.stop();
    this.koor = await startServer(t, this.koor.data_dir);
    this.gate.target = this.koor.port;
  }

  /** Runs `koor` in the project. */
  async cli(...args: readonly string[]): Promise<ClientRun> {
    return await this.startCli(...args).ended;
  }

  /** Starts `koor` in the project. */
  startCli(...args: readonly string[]): StartedClient {
    return this.#spawn(process.execPath, [CLI_PROGRAM, ...args]);
  }

  /** Starts the client with the prompt that selects a script. */
  start(script: string, session?: string): StartedClient {
    return this.#spawn(programOf(this.client) ?? "", this.client.args(promptFor(script), session));
  }

  /** Runs the client until it ends. Throws with its output if it takes longer than its time limit. */
  async run(script: string, session?: string): Promise<ClientRun> {
    const run = await this.start(script, session).ended;
    if (run.signal === null) return run;
    const asked = this.endpoint.of(script).length;
    const hooks = this.gate.calls.length;
    throw new Error(
      `${script} did not end in ${CLIENT_LIMIT_MS / 1000} s (${asked} model requests, ${hooks} hooks): ${run.output}`,
    );
  }

  /** Sends a request to the server, and returns the answer's JSON. */
  async call<T>(method: string, path: string, { as, body }: Call = {}): Promise<T> {
    const answer = await send(this.koor.port, method, path, {
      headers: { authorization: `Bearer ${TOKEN}`, ...(as === undefined ? {} : { "x-koor-instance": as }) },
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    });
    return answer.json<T>();
  }

  /** Registers an instance in the project's workspace, and returns its id. */
  async register(name: string): Promise<string> {
    const body = { name, workspace: WORKSPACE, intent: "sees to the trucks" };
    const { id } = await this.call<{ id: string }>("POST", "/api/instances/register", { body });
    return id;
  }

  async lease(as: string, path: string, more: object = {}): Promise<LeaseShown> {
    const body = { resources: [`path:${path}`], reason: "a test", ...more };
    return await this.call<LeaseShown>("POST", "/api/leases", { as, body });
  }

  /** Returns the held leases of a path. */
  async leasesOf(path: string): Promise<readonly LeaseShown[]> {
    const { leases } = await this.call<{ leases: readonly LeaseShown[] }>(
      "GET",
      `/api/leases?resource=${encodeURIComponent(`path:${path}`)}`,
    );
    return leases;
  }

  /** Returns the instances of the workspace. */
  async instances(): Promise<readonly InstanceShown[]> {
    return await this.call("GET", `/api/instances?workspace=${encodeURIComponent(WORKSPACE)}`);
  }

  #spawn(program: string, args: readonly string[]): StartedClient {
    // The signal goes to the whole process group, because some programs are scripts that start another program.
    const child = spawn(program, args, {
      cwd: this.project,
      env: this.env,
      stdio: ["ignore", "pipe", "pipe"],
      detached: true,
    });
    const kill = (signal: NodeJS.Signals): void => {
      if (child.pid !== undefined && child.exitCode === null && child.signalCode === null)
        process.kill(-child.pid, signal);
    };
    tieToThisProcess(child, "with_children");
    let output = "";
    const keep = (text: string): void => {
      output += text;
    };
    child.stdout.setEncoding("utf8").on("data", keep);
    child.stderr.setEncoding("utf8").on("data", keep);
    const limit = setTimeout(() => kill("SIGKILL"), CLIENT_LIMIT_MS);
    const ended = new Promise<ClientRun>((resolve) => {
      // This listens to `exit` and not to `close`, because processes that the client leaves behind may hold its pipes.
      child.once("exit", (code, signal) => {
        clearTimeout(limit);
        setImmediate(() => resolve({ code, signal, output }));
      });
    });
    return { ended, kill };
  }
}

function rootSessionOf(input: Json): unknown {
  return listOf([input["sessionContext"]])[0]?.["rootSessionId"];
}

const REMOTE = "https://git.example/acme/trucks.git";
export const WORKSPACE = "git.example/acme/trucks";

async function startServer(t: Owner, dataDir: string): Promise<Koor> {
  return await startKoor(t, { args: ["--auth-token", TOKEN], data_dir: dataDir });
}

/** Makes the environment, and connects its client with `koor init`. */
export async function makePlace(
  t: Owner,
  client: AgentClient,
  flags: readonly string[] = ["--client", client.name],
): Promise<AgentPlace> {
  const folder = makeDirectory(t);
  const koor = await startServer(t, makeDirectory(t));
  const gate = await startGate(t, koor.port);
  const endpoint = await startModel(t, {});
  const place = new AgentPlace(client, folder, koor, gate, endpoint);
  mkdirSync(join(place.home, "bin"), { recursive: true });
  // Both programs get the names that an installation gives them.
  symlinkSync(join(KOOR_BIN, "koor.js"), join(place.home, "bin", "koor"));
  symlinkSync(join(KOOR_BIN, "koor-hook.cjs"), join(place.home, "bin", "koor-hook"));
  makeRepository(place.home, place.project, REMOTE);
  place.write(HELD_FILE, "committed\n");
  for (const name of [FREE_FILE, SECOND_FILE, SHARED_FILE, ...ROUGH_FILES, LARGE_FILE, HUGE_FILE])
    place.write(name, FREE_TEXT);
  git(place.home, place.project, "add", ".");
  git(place.home, place.project, "commit", "--quiet", "--message", "add the files");
  place.write(HELD_FILE, HELD_TEXT);
  client.arrange(place);
  const { code, output } = await place.cli("init", "--yes", ...flags);
  if (code !== 0) throw new Error(`koor init failed: ${output}`);
  return place;
}
