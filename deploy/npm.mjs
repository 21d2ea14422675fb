/**
 * Runs npm, and other programs that an installation needs, from the checkout. They run without a shell, in the
 * foreground, and end together with the process that started them. Works on POSIX and on Windows.
 */
import { spawn } from "node:child_process";
import { existsSync } from "node:fs";
import { dirname, join } from "node:path";

const IS_WINDOWS = process.platform === "win32";
const SIGNALS = ["SIGINT", "SIGTERM"];
/**
 * Matches settings of an outer npm (`npm install -g`, `npx`). They are removed, because they would make the inner npm
 * install into another folder.
 */
const OUTER_SETTINGS = new RegExp(
  "^npm_config_(call|dry_run|global|include|install_links|local_prefix|location|omit|only|package|" +
    "package_lock_only|prefix|production|save.*|workspaces?)$",
  "i",
);

function npmEnvironment() {
  const environment = Object.fromEntries(Object.entries(process.env).filter(([name]) => !OUTER_SETTINGS.test(name)));
  // If Node's headers are beside its binary, node-gyp uses them. Otherwise it would download them from nodejs.org,
  // which some networks do not allow.
  const nodeFolder = dirname(dirname(process.execPath));
  if (existsSync(join(nodeFolder, "include", "node", "node.h"))) environment.npm_config_nodedir ??= nodeFolder;
  // With this setting, a compilation uses all cores, whatever the compiler.
  environment.npm_config_jobs ??= "max";
  return environment;
}

/**
 * Returns npm as a script that this same Node runs. On Windows `npm` is a batch file, which cannot be started as a
 * program.
 */
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
 * Runs a program in `folder` until it ends or a signal ends it. Its output goes to stderr. Resolves with "" if it
 * succeeded, otherwise with an error text.
 */
export async function run([command, ...parameters], { folder, limitMs }) {
  // The program gets a process group of its own. Otherwise a compiler that npm has started would keep running after
  // npm's end. Windows has no process groups.
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

/** Runs npm in `folder`. Resolves with the same values as `run`. */
export function runNpm(parameters, options) {
  const quiet = ["--no-audit", "--no-fund", "--no-update-notifier", "--loglevel=error"];
  return run([...npmCommand(), ...parameters, ...quiet], options);
}

/** Prints one line about progress. */
export function say(line) {
  process.stderr.write(`${line}\n`);
}

/** Formats the time since `startedMs`, to be appended to a line of output. */
export function secondsSince(startedMs) {
  return `${((performance.now() - startedMs) / 1000).toFixed(1)} s`;
}
