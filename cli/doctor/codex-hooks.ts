/**
 * Asks Codex which hooks of a folder it trusts. Codex silently skips the hooks that it does not trust. The question is
 * the method `hooks/list` of `codex app-server`, as lines of JSON on stdin and stdout. Runs in the CLI process.
 */
import type { ChildProcessWithoutNullStreams } from "node:child_process";

import { CLI_DOCTOR_PROGRAM_END_MS, CLI_DOCTOR_PROGRAM_MS } from "../../schemas/limits/cli.js";
import { VERSION } from "../../schemas/version.js";
import { isJsonObject, type JsonObject } from "../../shared/json-object.js";
import { parseJson } from "../../shared/json-text.js";
import { describeSystemError } from "../system-error.js";

const LIST_ID = 2;
/** The maximum length of one line of output. A program that writes a longer line is not Codex. */
const OUTPUT_BYTES_MAX = 16 * 1024 * 1024;

function requests(folder: string): string {
  const calls = [
    { id: 1, method: "initialize", params: { clientInfo: { name: "koor", version: VERSION } } },
    { method: "initialized" },
    { id: LIST_ID, method: "hooks/list", params: { cwds: [folder] } },
  ];
  return calls.map((call) => `${JSON.stringify(call)}\n`).join("");
}

/** Returns the hooks in a line of output; undefined if the line is not the answer to `hooks/list`. */
function hooksIn(line: string): readonly JsonObject[] | undefined {
  const message = parseJson(line);
  if (!isJsonObject(message) || message["id"] !== LIST_ID) return undefined;
  const data = isJsonObject(message["result"]) ? message["result"]["data"] : undefined;
  const folders = Array.isArray(data) ? data.filter(isJsonObject) : [];
  return folders.flatMap(({ hooks }) => (Array.isArray(hooks) ? hooks.filter(isJsonObject) : []));
}

/** Waits for the answer and returns its hooks. If no answer comes, returns the reason. */
async function readAnswer(child: ChildProcessWithoutNullStreams): Promise<readonly JsonObject[] | string> {
  return await new Promise((resolve) => {
    let output = "";
    const timer = setTimeout(
      () => resolve(`it gave no answer within ${CLI_DOCTOR_PROGRAM_MS / 1000} s`),
      CLI_DOCTOR_PROGRAM_MS,
    );
    const settle = (result: readonly JsonObject[] | string): void => {
      clearTimeout(timer);
      resolve(result);
    };
    child.stdout.setEncoding("utf8");
    child.stdout.on("data", (text: string) => {
      output += text;
      const lines = output.split("\n");
      output = lines.pop() ?? "";
      const hooks = lines.map(hooksIn).find((found) => found !== undefined);
      if (hooks !== undefined) settle(hooks);
      else if (output.length > OUTPUT_BYTES_MAX) settle("its answer is too long");
    });
    child.on("error", (error) => settle(describeSystemError(error)));
    child.on("close", () => settle("it ended without an answer"));
  });
}

/**
 * Ends the program. Normally, it ends by itself when its input ends. If it does not, kills it together with all
 * processes that it has started.
 */
async function end(child: ChildProcessWithoutNullStreams): Promise<void> {
  const { pid } = child;
  if (pid === undefined || child.exitCode !== null || child.signalCode !== null) return;
  const exited = new Promise((resolve) => child.once("exit", resolve));
  child.stdin.end();
  const timer = setTimeout(() => {
    try {
      process.kill(process.platform === "win32" ? pid : -pid, "SIGKILL");
    } catch {
      // Ignore the error: the program has just ended by itself.
    }
  }, CLI_DOCTOR_PROGRAM_END_MS);
  await exited;
  clearTimeout(timer);
}

/**
 * Lists the hooks that Codex knows in a folder, each with its `trustStatus`. If Codex does not answer, returns the
 * reason.
 * @param program the absolute path of `codex`
 */
export async function listCodexHooks(
  program: string,
  folder: string,
  environment: NodeJS.ProcessEnv,
): Promise<readonly JsonObject[] | string> {
  const { spawn } = await import("node:child_process");
  // Put the program into its own process group. `codex` is a script that starts another program, and killing the group
  // ends both.
  const child = spawn(program, ["app-server"], {
    cwd: folder,
    env: environment,
    detached: process.platform !== "win32",
  });
  child.stdin.on("error", () => undefined);
  child.stderr.resume();
  child.stdin.write(requests(folder));
  const answer = await readAnswer(child);
  await end(child);
  return answer;
}
