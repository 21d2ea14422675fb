/**
 * The entry point of `koor-hook CLIENT [EVENT]`, which the clients of agents run before and after each tool. It sends
 * its stdin to the project's server and prints the answer. If anything fails, it prints one line on stderr, and an
 * answer that lets the client continue. It always exits with 0.
 *
 * The agent waits for this program, so it is fast: it has its own bundle and uses a bare socket, because Node's HTTP
 * modules would double its run time. After the answer, it may start reports in the background.
 */
import { readSync, writeSync } from "node:fs";

import { CLI_HOOK_BYTES_MAX, CLI_HOOK_TIMEOUT_MS } from "../schemas/limits/cli.js";
import { errorTextOf } from "./hook/hook-error.js";
import { findHookProject } from "./hook/hook-project.js";
import { sendHook } from "./hook/hook-request.js";
import { startReports } from "./hook/background-reports.js";
import { usableAnswer } from "./hook/usable-answer.js";

const [STDIN, STDOUT, STDERR] = [0, 1, 2];
const READ_BYTES = 64 * 1024;
/** The interval at which an empty non-blocking stdin is read again, in ms. */
const POLL_MS = 5;

/** Reads from stdin. Returns 0 at the end of the input, and undefined if no data have arrived yet. */
function readSome(chunk: Buffer): number | undefined {
  try {
    return readSync(STDIN, chunk);
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (code === "EOF") return 0;
    // No data have arrived yet. This happens only if the client made the pipe non-blocking.
    if (code === "EAGAIN") return undefined;
    throw error;
  }
}

/** Reads stdin to its end. Returns undefined if the input is too long. */
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
 * Returns an answer that lets the client continue. Kimi Code gets an empty one, because it shows all output of a hook
 * to its model.
 */
function goOn(client: string): string {
  return client === "kimi" ? "" : "{}";
}

function write(descriptor: number, text: string): void {
  try {
    if (text !== "") writeSync(descriptor, text);
  } catch {
    // Ignore the error: the client has closed the pipe, so it does not want the answer.
  }
}

/** Sends the hook's input to the server and prints the answer. */
async function run(client: string, event: string | undefined): Promise<void> {
  if (!/^[a-z]+$/.test(client)) throw new Error("usage: koor-hook CLIENT [EVENT]");
  const input = readInput();
  if (input === undefined) throw new Error("the input is too long");
  const project = findHookProject(process.cwd(), process.env);
  // This is no error. Hooks in the home folder run in every folder, also in folders that do not use Koor.
  if (project === undefined) {
    write(STDOUT, goOn(client));
    return;
  }
  const path = `/api/hooks/${client}${event === undefined ? "" : `/${encodeURIComponent(event)}`}`;
  const answer = await sendHook(project, path, input);
  const usable = usableAnswer(client, answer);
  if (usable === undefined) throw new Error("the server's answer is not one of a hook");
  write(STDOUT, usable === "" ? goOn(client) : usable);
  try {
    startReports(project, event, input);
  } catch {
    // Drop the report if it cannot be started. The next report replaces it.
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

// Do not await the result: the bundle is a CommonJS module, which has no top-level await.
void main(...process.argv.slice(2));
