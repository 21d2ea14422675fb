/**
 * The parts that the agents of this example share: a name in Koor, Koor's commands, git, and the lines for the reader.
 * Runs in the process of each agent.
 */
import { execFile, execFileSync } from "node:child_process";
import { once } from "node:events";
import { fileURLToPath } from "node:url";

const KOOR = fileURLToPath(new URL("../../deploy/bin/koor.js", import.meta.url));

/** Fires when run.mjs ends the play. The commands that still wait then end with this agent. */
const over = new AbortController();
process.once("disconnect", () => {
  over.abort();
  process.exit();
});

/**
 * Runs a koor command in the current folder, and returns its answer. A command such as `contract validate` says no by
 * exit code 1, with an answer. A command without an answer has failed.
 */
export function koor(...words) {
  return new Promise((resolve, reject) => {
    execFile(process.execPath, [KOOR, ...words], { signal: over.signal }, (_error, stdout, stderr) => {
      if (stdout === "") reject(new Error(`koor ${words.join(" ")}\n${stderr}`));
      else resolve(JSON.parse(stdout));
    });
  });
}

/**
 * Registers this agent, and returns its instance. `--save` writes the instance into the working tree, so that all later
 * commands there act as it. The workspace is that of the git repository, which all its working trees share.
 */
export async function join(name, intent) {
  const instance = await koor("register", name, "--intent", intent, "--save");
  await koor("activate");
  return instance;
}

/** Runs git in the current folder, and returns its output. */
export function git(...words) {
  return execFileSync("git", words, { encoding: "utf8", stdio: ["ignore", "pipe", "pipe"] });
}

/** Says what this agent does. If run.mjs has started the agent, the agent continues when run.mjs has shown the line. */
export async function say(text) {
  if (process.send === undefined) {
    process.stdout.write(`${text}\n`);
    return;
  }
  process.send(text);
  await once(process, "message");
}

/** Ends this agent. Without this call, the channel to run.mjs would keep its process running. */
export function leave() {
  if (process.connected) process.disconnect();
}
