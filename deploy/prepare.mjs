/**
 * Makes the checkout ready to run. Installs packages if `node_modules` differs from what `package-lock.json` requires,
 * then builds what is stale. If both are current it takes a few milliseconds, which matters because every `npm start`
 * and `npm test` runs it. It changes neither `package-lock.json` nor tracked files. Run: `node deploy/prepare.mjs
 * [--dev]`.
 */
import { existsSync, readFileSync, rmSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { build } from "./build.mjs";
import { isRunAsProgram } from "./run-as-program.mjs";
import { compareSystem, fitPackages, removeNativePackages } from "./native-packages.mjs";
import { runNpm, say, secondsSince } from "./npm.mjs";

const ROOT = fileURLToPath(new URL("..", import.meta.url));
const LOCK = join(ROOT, "package-lock.json");
const MODULES = join(ROOT, "node_modules");
/** The file in which npm records, at the end of an installation, which packages are in `node_modules`. */
const INSTALLED_LOCK = join(MODULES, ".package-lock.json");

/** The minimum version of Node. It must be the same as `engines` in package.json. */
const NODE_MIN = { major: 20, minor: 18 };

function readPackages(lockPath) {
  return existsSync(lockPath) ? (JSON.parse(readFileSync(lockPath, "utf8")).packages ?? {}) : undefined;
}

/**
 * Compares the installed packages with those that the lock file requires. Returns `"nothing"` if there is no finished
 * installation, `"stale"` if a package is missing or has another version, `"fresh"` if they agree.
 */
function compareInstalled(wanted, installed, dev) {
  if (!installed) return "nothing";
  for (const [path, entry] of Object.entries(wanted)) {
    // Nothing is downloaded for the checkout's own folders, and for the links to them.
    if (!path.startsWith("node_modules/") || entry.link || (entry.dev && !dev)) continue;
    const found = installed[path];
    // An optional package may be missing, because it may be for another platform. So may a development package that is
    // not wanted.
    if (!found && (entry.optional || entry.devOptional)) continue;
    if (!found || found.version !== entry.version || found.integrity !== entry.integrity) return "stale";
  }
  return "fresh";
}

async function install(wanted, installed, dev) {
  const startedMs = performance.now();
  const what = installed ? "packages that are missing or outdated" : "packages";
  say(`installing ${what}: npm downloads them from its registry and unpacks them`);
  // If an installation was not finished, its remains are removed. Otherwise the existing packages stay.
  if (!installed) rmSync(MODULES, { recursive: true, force: true });
  const hasDev = installed && Object.keys(installed).some((path) => wanted[path]?.dev);
  // `npm ci` is not used, because it removes existing packages. Install scripts do not run: native-packages.mjs
  // compiles what has to be compiled, and no other package needs a script.
  const parameters = ["install", "--no-save", "--ignore-scripts", dev || hasDev ? "--include=dev" : "--omit=dev"];
  const why = await runNpm(parameters, { folder: ROOT });
  if (why === "") say(`installed in ${secondsSince(startedMs)}`);
  else say(`installation failed, ${why}: the lines above say why (Koor needs the npm registry)`);
  return why === "";
}

/**
 * Installs packages if necessary. `dev` includes the packages that tests, lint and types need. Returns whether
 * `node_modules` is complete.
 */
async function ensureInstalled({ dev }) {
  const wanted = readPackages(LOCK);
  if (!wanted) return existsSync(MODULES);
  const installed = readPackages(INSTALLED_LOCK);
  const system = compareSystem(MODULES);
  if (system === "fresh" && compareInstalled(wanted, installed, dev) === "fresh") return true;
  if (installed && system === "other") removeNativePackages(MODULES);
  if (!(await install(wanted, installed, dev))) return false;
  await fitPackages(MODULES);
  return true;
}

function isNodeNewEnough() {
  const [major = 0, minor = 0] = process.versions.node.split(".").map(Number);
  if (major > NODE_MIN.major || (major === NODE_MIN.major && minor >= NODE_MIN.minor)) return true;
  say(`Koor needs Node ${NODE_MIN.major}.${NODE_MIN.minor} or newer; this is ${process.version}`);
  return false;
}

/**
 * Installs packages and builds, if necessary. `dev` adds the development packages and the output of every single file.
 * Returns whether everything is ready.
 */
export async function prepare({ dev }) {
  return isNodeNewEnough() && (await ensureInstalled({ dev })) && (await build({ tree: dev }));
}

if (isRunAsProgram(import.meta.url)) {
  const ready = await prepare({ dev: process.argv.includes("--dev") });
  process.exitCode = ready ? 0 : 1;
}
