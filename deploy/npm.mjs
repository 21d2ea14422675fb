/**
 * Runs npm, and other programs of an installation, from the checkout: without a shell, in the foreground, and ended
 * together with the process that started them. On POSIX and on Windows.
 */
import { spawn } from "node:child_process";
import { existsSync } from "node:fs";
import { dirname, join } from "node:path";

const IS_WINDOWS = process.platform === "win32";
const SIGNALS = ["SIGINT", "SIGTERM"];
/** Settings of an outer npm (`npm install -g`, `npx`) that would make the inner one install elsewhere. */
const OUTER_SETTINGS = new RegExp(
  "^npm_config_(call|dry_run|global|include|install_links|local_prefix|location|omit|only|package|" +
    "package_lock_only|prefix|production|save.*|workspaces?)$",
  "i",
);

function npmEnvironment() {
  const environment = Object.fromEntries(Object.entries(process.env).filter(([name]) => !OUTER_SETTINGS.test(name)));
  // Node's headers beside the binary save node-gyp a download from nodejs.org, which some networks do not allow.
  const nodeFolder = dirname(dirname(process.execPath));
  if (existsSync(join(nodeFolder, "include", "node", "node.h"))) environment.npm_config_nodedir ??= nodeFolder;
  // A compilation uses all cores, with any compiler.
  environment.npm_config_jobs ??= "max";
  return environment;
}

/** npm as a script that this same Node runs: on Windows `npm` is a batch file, which cannot be started as a program. */
function npmCommand() {
  const folder = dirname(process.execPath);
  const script = [
    process.env.npm_execpath,
    join(folder, "node_modules", "npm", "bin", "npm-cli.js"),
    join(folder, "..", "lib", "node_modules", "npm", "bin", "npm-cli.js"),
  ].find((path) => path?.endsWith(".js") && existsSync(path));
  return script === undefined ? ["npm"] : [process.execPath, script];
}

/**
 * Runs a program in `folder` until it ends, its output on stderr; a signal ends it too. Resolves to an error text about
 * its end, "" where it succeeded.
 */
export async function run([command, ...parameters], { folder, limitMs }) {
  // It gets a process group of its own, because npm would leave a compiler that it started running. Windows has no
  // groups.
  const child = spawn(command, parameters, {
    cwd: folder,
    env: npmEnvironment(),
    stdio: ["ignore", 2, 2],
    detached: !IS_WINDOWS,
    windowsHide: true,
    shell: IS_WINDOWS && command === "npm",
  });
  const end = (signal) => {
    if (child.pid === undefined) return;
    if (IS_WINDOWS) child.kill(signal);
    else process.kill(-child.pid, signal);
  };
  for (const signal of SIGNALS) process.on(signal, end);
  const late = limitMs === undefined ? undefined : setTimeout(() => end("SIGTERM"), limitMs);
  const ended = await new Promise((resolve) => {
    child.on("error", (error) => resolve(`${command} could not be started: ${error.message}`));
    child.on("exit", (code, signal) => resolve(code === 0 ? "" : `it ended with ${code ?? signal}`));
  });
  clearTimeout(late);
  for (const signal of SIGNALS) process.off(signal, end);
  return ended;
}

/** Runs npm in `folder`. Resolves as `run` does. */
export function runNpm(parameters, options) {
  const quiet = ["--no-audit", "--no-fund", "--no-update-notifier", "--loglevel=error"];
  return run([...npmCommand(), ...parameters, ...quiet], options);
}

/** Prints one line about progress. */
export function say(line) {
  process.stderr.write(`${line}\n`);
}

/** Formats a duration, to be appended to a line. */
export function secondsSince(startedMs) {
  return `${((performance.now() - startedMs) / 1000).toFixed(1)} s`;
}
