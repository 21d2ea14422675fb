/**
 * The entry point of `koor-hook CLIENT [EVENT]`, which clients of agents run before and after each tool. Sends its
 * stdin to the server of the project and prints the answer. It always exits with 0: if anything is wrong, it prints the
 * answer that lets the client continue, and one line on stderr. It is bundled apart, and sends the request over a bare
 * socket, because the agent waits for it: Node's HTTP modules would double its time. After the answer it may start
 * reports in the background, for which the agent does not wait.
 */
import { readSync, writeSync } from "node:fs";

import { CLI_HOOK_BYTES_MAX, CLI_HOOK_TIMEOUT_MS } from "../schemas/limits/cli.js";
import { errorTextOf } from "./hook/hook-error.js";
import { findHookProject } from "./hook/hook-project.js";
import { sendHook } from "./hook/hook-request.js";
import { startReports } from "./hook/background-reports.js";

const [STDIN, STDOUT, STDERR] = [0, 1, 2];
const READ_BYTES = 64 * 1024;
/** The interval at which a stdin that does not block is read. */
const POLL_MS = 5;

/** Reads from stdin. Returns 0 at its end, and undefined if nothing is there yet. */
function readSome(chunk: Buffer): number | undefined {
  try {
    return readSync(STDIN, chunk);
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (code === "EOF") return 0;
    // The client has made the pipe non-blocking.
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
 * Returns the answer that lets a client continue. Kimi Code shows its model whatever is printed, so it gets nothing.
 */
function goOn(client: string): string {
  return client === "kimi" ? "" : "{}";
}

/** Matches a decision in JSON that skips the client's own question to its user. No answer of Koor's has one. */
const ALLOWS = /"(?:permissionDecision|permission|decision|behavior)":"(?:allow|approve)"/;

/** Whether a client can read the answer. Kimi Code takes a context as plain text. */
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
    // The client has closed the pipe, and does not want the answer.
  }
}

/** Sends the hook and writes the answer. */
async function run(client: string, event: string | undefined): Promise<void> {
  if (!/^[a-z]+$/.test(client)) throw new Error("usage: koor-hook CLIENT [EVENT]");
  const input = readInput();
  if (input === undefined) throw new Error("the input is too long");
  const project = findHookProject(process.cwd(), process.env);
  // Hooks in the home folder run in every folder. Most are no projects of Koor's.
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
    // The next report is sent instead.
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

// The bundle is a CommonJS module, which cannot wait here.
void main(...process.argv.slice(2));
