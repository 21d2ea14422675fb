/**
 * The entry point of `koor-hook CLIENT [EVENT]`, which the clients of agents run before and after each tool. It sends
 * its stdin to the project's server and prints the answer. It always exits with 0. If anything fails, it prints the
 * answer that lets the client continue, and one line on stderr. The agent waits for this program, so it has its own
 * bundle and uses a bare socket: Node's HTTP modules would double its run time. After the answer it may start reports
 * in the background, for which the agent does not wait.
 */
import { readSync, writeSync } from "node:fs";

import { CLI_HOOK_BYTES_MAX, CLI_HOOK_TIMEOUT_MS } from "../schemas/limits/cli.js";
import { errorTextOf } from "./hook/hook-error.js";
import { findHookProject } from "./hook/hook-project.js";
import { sendHook } from "./hook/hook-request.js";
import { startReports } from "./hook/background-reports.js";

const [STDIN, STDOUT, STDERR] = [0, 1, 2];
const READ_BYTES = 64 * 1024;
/** The interval at which a non-blocking stdin is read. */
const POLL_MS = 5;

/** Reads from stdin. Returns 0 at the end, and undefined if no data are there yet. */
function readSome(chunk: Buffer): number | undefined {
  try {
    return readSync(STDIN, chunk);
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (code === "EOF") return 0;
    // There are no data yet. This can happen because the client made the pipe non-blocking.
    if (code === "EAGAIN") return undefined;
    throw error;
  }
}

/** Reads stdin to its end. Returns undefined if it is too long. */
function readInput(): Buffer | undefined {
  const chunks: Buffer[] = [];
  for (let used = 0, waitedMs = 0; used <= CLI_HOOK_BYTES_MAX; ) {
    const chunk = Buffer.allocUnsafe(READ_BYTES);
    const count = readSome(chunk);
    if (count === undefined) {
      if (waitedMs >= CLI_HOOK_TIMEOUT_MS) throw new Error("the input does not end");
      Atomics.wait(new Int32Array(new SharedArrayBuffer(Int32Array.BYTES_PER_ELEMENT)), 0, 0, POLL_MS);
      waitedMs += POLL_MS;
      continue;
    }
    if (count === 0) return Buffer.concat(chunks);
    chunks.push(chunk.subarray(0, count));
    used += count;
  }
  return undefined;
}

/**
 * Returns the answer that lets a client continue. For Kimi Code it is empty, because Kimi Code shows all output of a
 * hook to its model.
 */
function goOn(client: string): string {
  return client === "kimi" ? "" : "{}";
}

/**
 * Matches a JSON decision that would make the client skip its own question to the user. Koor never answers such a
 * decision.
 */
const ALLOWS = /"(?:permissionDecision|permission|decision|behavior)":"(?:allow|approve)"/;

/** Whether the client can use the answer. Kimi Code also accepts plain text, as context for its model. */
function isUsable(client: string, answer: string): boolean {
  if (answer === "") return true;
  try {
    const parsed: unknown = JSON.parse(answer);
    const isObject = typeof parsed === "object" && parsed !== null && !Array.isArray(parsed);
    return isObject && !ALLOWS.test(JSON.stringify(parsed));
  } catch {
    return client === "kimi";
  }
}

function write(descriptor: number, text: string): void {
  try {
    if (text !== "") writeSync(descriptor, text);
  } catch {
    // The client has closed the pipe, so it does not want the answer.
  }
}

/** Sends the hook and writes the answer. */
async function run(client: string, event: string | undefined): Promise<void> {
  if (!/^[a-z]+$/.test(client)) throw new Error("usage: koor-hook CLIENT [EVENT]");
  const input = readInput();
  if (input === undefined) throw new Error("the input is too long");
  const project = findHookProject(process.cwd(), process.env);
  // Hooks in the home folder run in every folder, and most folders are not projects that use Koor. So this is not an
  // error.
  if (project === undefined) {
    write(STDOUT, goOn(client));
    return;
  }
  const path = `/api/hooks/${client}${event === undefined ? "" : `/${encodeURIComponent(event)}`}`;
  const answer = await sendHook(project, path, input);
  if (!isUsable(client, answer)) throw new Error("the server's answer is not one of a hook");
  write(STDOUT, answer === "" ? goOn(client) : answer);
  try {
    startReports(project, event, input);
  } catch {
    // The report is lost, but the next one replaces it.
  }
}

async function main(name = "", event?: string): Promise<void> {
  try {
    await run(name, event);
  } catch (error) {
    write(STDOUT, goOn(name));
    write(STDERR, `koor-hook: ${errorTextOf(error)}\n`);
  }
}

// The bundle is a CommonJS module, so it cannot await the result here.
void main(...process.argv.slice(2));
