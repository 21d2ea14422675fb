/**
 * Makes a session of Codex read a line, by means of Codex's own programs. Codex lets only one process write a session.
 * If no process has the session open, this module starts a turn (`codex app-server`: `thread/resume`, `turn/start`). If
 * a terminal has it open, `codex queue` passes the line to the terminal, which starts the turn. Runs in the CLI
 * process.
 */
import type { ChildProcessWithoutNullStreams } from "node:child_process";

import { CLI_DOCTOR_PROGRAM_MS } from "../schemas/limits/cli.js";
import { VERSION } from "../schemas/version.js";
import { isJsonObject, type JsonObject } from "../shared/json-object.js";
import { parseJson } from "../shared/json-text.js";
import { type CliFailure, failed } from "./failure.js";
import { describeSystemError } from "./system-error.js";

/** The JSON-RPC error code that means that the method does not exist. */
const NO_METHOD = -32_601;
/** The maximum time to wait for an answer of Codex to a request, in ms. */
const ANSWER_MS = CLI_DOCTOR_PROGRAM_MS;

export interface CodexSession {
  /** The id of the thread, which is also the id of the session. */
  readonly id: string;
  readonly folder: string;
  readonly environment: NodeJS.ProcessEnv;
  readonly signal: AbortSignal;
}

/** How Codex got the line: as a new turn or through its queue. `ended`: a signal ended the command first. */
export type Delivery = "turn" | "queue" | "ended";

async function start(args: readonly string[], session: CodexSession): Promise<ChildProcessWithoutNullStreams> {
  const { spawn } = await import("node:child_process");
  const child = spawn("codex", args, { cwd: session.folder, env: session.environment });
  child.stdin.on("error", () => undefined);
  return child;
}

/** Speaks JSON-RPC with `codex app-server`. Each message is one line. */
class AppServer {
  readonly #child: ChildProcessWithoutNullStreams;
  readonly #answers = new Map<unknown, (answer: JsonObject | undefined) => void>();
  /** Resolves when the turn has ended, or when the program has. */
  readonly turnEnded: Promise<void>;
  #endTurn: () => void = () => undefined;
  #rest = "";
  #lastId = 0;

  constructor(child: ChildProcessWithoutNullStreams) {
    this.#child = child;
    this.turnEnded = new Promise((resolve) => {
      this.#endTurn = resolve;
    });
    child.stderr.resume();
    child.stdout.setEncoding("utf8").on("data", (text: string) => {
      const lines = (this.#rest + text).split("\n");
      this.#rest = lines.pop() ?? "";
      for (const line of lines) this.#read(parseJson(line));
    });
    child.on("error", () => this.#end());
    child.on("close", () => this.#end());
  }

  /** Sends a request and returns its result; undefined if Codex refuses it or does not answer in time. */
  async request(method: string, params: JsonObject): Promise<unknown> {
    const id = ++this.#lastId;
    const answer = await new Promise<JsonObject | undefined>((resolve) => {
      const timer = setTimeout(() => resolve(undefined), ANSWER_MS);
      this.#answers.set(id, (given) => {
        clearTimeout(timer);
        resolve(given);
      });
      this.notify(method, params, id);
    });
    return answer?.["result"];
  }

  notify(method: string, params: JsonObject, id?: number): void {
    this.#send({ ...(id === undefined ? {} : { id }), method, params });
  }

  stop(): void {
    this.#child.stdin.end();
    this.#child.kill();
    this.#end();
  }

  #send(message: JsonObject): void {
    this.#child.stdin.write(`${JSON.stringify(message)}\n`);
  }

  #read(message: unknown): void {
    if (!isJsonObject(message)) return;
    const { id, method } = message;
    if (typeof method !== "string") this.#answers.get(id)?.(message);
    // Codex asks a question, for example for a permission. No person can answer here, so the reply is an error.
    else if (id !== undefined) this.#send({ id, error: { code: NO_METHOD, message: "not offered by koor wake" } });
    else if (method === "turn/completed") this.#endTurn();
  }

  #end(): void {
    for (const answer of this.#answers.values()) answer(undefined);
    this.#answers.clear();
    this.#endTurn();
  }
}

/**
 * Starts a turn with the line and waits for its end. Returns whether the turn started; undefined if the session cannot
 * be resumed, usually because another process has it open.
 */
async function runTurn(line: string, session: CodexSession): Promise<boolean | undefined> {
  const server = new AppServer(await start(["app-server"], session));
  const stop = (): void => server.stop();
  session.signal.addEventListener("abort", stop);
  try {
    const clientInfo = { name: "koor", title: "Koor", version: VERSION };
    if ((await server.request("initialize", { clientInfo })) === undefined) return undefined;
    server.notify("initialized", {});
    const resumed = await server.request("thread/resume", { threadId: session.id, excludeTurns: true });
    if (resumed === undefined) return undefined;
    const input = [{ type: "text", text: line }];
    if ((await server.request("turn/start", { threadId: session.id, input })) === undefined) return false;
    await server.turnEnded;
    return true;
  } finally {
    session.signal.removeEventListener("abort", stop);
    server.stop();
  }
}

/** Queues the line for the process that has the session open. */
async function queue(line: string, session: CodexSession): Promise<CliFailure | undefined> {
  const child = await start(["queue", "--thread", session.id, "--message", line], session);
  child.stdin.end();
  child.stdout.resume();
  let errors = "";
  child.stderr.setEncoding("utf8").on("data", (text: string) => (errors += text));
  const code = await new Promise<number | string | null>((resolve) => {
    child.once("error", (error) => resolve(describeSystemError(error)));
    child.once("close", resolve);
  });
  if (code === 0) return undefined;
  return failed(`codex queue failed: ${errors.trim().split("\n").at(-1) || String(code)}`);
}

/** Makes the session read a line. If this starts a turn, the function returns after the turn. */
export async function wakeCodexSession(line: string, session: CodexSession): Promise<Delivery | CliFailure> {
  const began = await runTurn(line, session);
  if (session.signal.aborted) return "ended";
  if (began === true) return "turn";
  if (began === false) return failed("codex started no turn: see its log in ~/.codex/log");
  return (await queue(line, session)) ?? "queue";
}
