/**
 * Makes the checkout ready to run: installs packages where `node_modules` is not what
 * `package-lock.json` asks for, then builds what is stale. Where both are as they should be it costs a
 * few milliseconds, because every `npm start` and `npm test` passes through here. It leaves
 * `package-lock.json` and the git tree as they are. Run: `node deploy/prepare.mjs [--dev]`.
 */
import { spawn } from "node:child_process";
import { existsSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { build, isRunAsProgram } from "./build.mjs";

const ROOT = fileURLToPath(new URL("..", import.meta.url));
const LOCK = join(ROOT, "package-lock.json");
/** Written by npm at the end of an installation: what is in `node_modules`. */
const INSTALLED_LOCK = join(ROOT, "node_modules", ".package-lock.json");
/** Which Node compiled the native packages (its ABI number): another one cannot load them. */
const INSTALLED_ABI = join(ROOT, "node_modules", ".koor-node-abi");
const COMPILED_PACKAGE = "better-sqlite3";
const COMPILED_BINARY = join(ROOT, "node_modules", COMPILED_PACKAGE, "build", "Release", "better_sqlite3.node");

/** As `engines` in package.json says. */
const NODE_MIN = { major: 20, minor: 18 };
const SIGNALS = ["SIGINT", "SIGTERM"];
/** Settings of an outer npm (`npm install -g`, `npx`) that would send the inner one to another place. */
const OUTER_SETTINGS = new RegExp(
  "^npm_config_(call|dry_run|global|include|install_links|local_prefix|location|omit|only|package|" +
    "package_lock_only|prefix|production|save.*|workspaces?)$",
  "i",
);

function readPackages(lockPath) {
  return existsSync(lockPath) ? (JSON.parse(readFileSync(lockPath, "utf8")).packages ?? {}) : undefined;
}

/**
 * Compares what is installed with what is asked for.
 * `"nothing"`: no finished installation; `"stale"`: some package is missing or of another version; `"fresh"`.
 */
function compareInstalled(wanted, installed, dev) {
  if (!installed) return "nothing";
  for (const [path, entry] of Object.entries(wanted)) {
    // Packages for other platforms are optional and rightly absent; development ones may be unwanted.
    if (path === "" || entry.optional || entry.devOptional || (entry.dev && !dev)) continue;
    const found = installed[path];
    if (!found || found.version !== entry.version || found.integrity !== entry.integrity) return "stale";
  }
  return "fresh";
}

function npmEnvironment() {
  const environment = Object.fromEntries(Object.entries(process.env).filter(([name]) => !OUTER_SETTINGS.test(name)));
  // Node's headers beside the binary spare node-gyp a download from nodejs.org, which not every network allows.
  const nodeFolder = dirname(dirname(process.execPath));
  if (existsSync(join(nodeFolder, "include", "node", "node.h"))) environment.npm_config_nodedir ??= nodeFolder;
  return environment;
}

/** Runs npm in the checkout, its output on stderr; a signal ends it too. Resolves to whether it succeeded. */
async function runNpm(parameters) {
  const quiet = ["--no-audit", "--no-fund", "--no-update-notifier", "--loglevel=error"];
  const npm = process.env.npm_execpath?.endsWith(".js") ? [process.execPath, process.env.npm_execpath] : ["npm"];
  const [command, ...rest] = [...npm, ...parameters, ...quiet];
  // A process group of its own: npm would leave a compiler that it started to run on.
  const child = spawn(command, rest, { cwd: ROOT, env: npmEnvironment(), stdio: ["ignore", 2, 2], detached: true });
  const forwardSignal = (signal) => {
    if (child.pid !== undefined) process.kill(-child.pid, signal);
  };
  for (const signal of SIGNALS) process.on(signal, forwardSignal);
  const ended = await new Promise((resolve) => {
    child.on("error", (error) => resolve({ error }));
    child.on("exit", (code, signal) => resolve({ code, signal }));
  });
  for (const signal of SIGNALS) process.off(signal, forwardSignal);
  if (ended.error) say(`npm could not be started: ${ended.error.message}`);
  return ended.code === 0;
}

function say(line) {
  process.stderr.write(`${line}\n`);
}

async function install(wanted, installed, dev) {
  const compiled = existsSync(COMPILED_BINARY);
  say(
    compiled
      ? "installing packages that are missing or outdated"
      : `installing packages; ${COMPILED_PACKAGE} may have to be compiled, which takes one to three minutes`,
  );
  // What is there already stays there, for it was compiled; the rest of an installation that did not end does not.
  if (!installed) rmSync(join(ROOT, "node_modules"), { recursive: true, force: true });
  const hasDev = installed && Object.keys(installed).some((path) => wanted[path]?.dev);
  // Not `npm ci`: it refuses a lock file in which optional packages of other platforms are missing.
  return runNpm(["install", "--no-save", dev || hasDev ? "--include=dev" : "--omit=dev"]);
}

/** Installs where needed. `dev`: with what tests, lint and types need. Returns whether `node_modules` is complete. */
async function ensureInstalled({ dev }) {
  const wanted = readPackages(LOCK);
  if (!wanted) return existsSync(join(ROOT, "node_modules"));
  const installed = readPackages(INSTALLED_LOCK);
  if (compareInstalled(wanted, installed, dev) !== "fresh") {
    if (!(await install(wanted, installed, dev))) {
      say("installation failed: the lines above say why (Koor needs the npm registry, python3 and a C++ compiler)");
      return false;
    }
  } else if (existsSync(INSTALLED_ABI) && readFileSync(INSTALLED_ABI, "utf8") !== process.versions.modules) {
    say(`compiling ${COMPILED_PACKAGE} for Node ${process.version}, which takes one to three minutes`);
    if (!(await runNpm(["rebuild", COMPILED_PACKAGE]))) return false;
  } else if (existsSync(INSTALLED_ABI)) {
    return true;
  }
  writeFileSync(INSTALLED_ABI, process.versions.modules);
  return true;
}

function isNodeNewEnough() {
  const [major = 0, minor = 0] = process.versions.node.split(".").map(Number);
  if (major > NODE_MIN.major || (major === NODE_MIN.major && minor >= NODE_MIN.minor)) return true;
  say(`Koor needs Node ${NODE_MIN.major}.${NODE_MIN.minor} or newer; this is ${process.version}`);
  return false;
}

/**
 * Installs and builds where needed; `dev` adds the development packages and every single file. Returns whether
 * all is ready.
 */
export async function prepare({ dev }) {
  return isNodeNewEnough() && (await ensureInstalled({ dev })) && (await build({ tree: dev }));
}

if (isRunAsProgram(import.meta.url)) {
  const ready = await prepare({ dev: process.argv.includes("--dev") });
  process.exitCode = ready ? 0 : 1;
}
