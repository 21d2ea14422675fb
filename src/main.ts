/**
 * The program of the server: settings, start, signals and exit codes (docs/configuration.md). `koor serve` calls
 * `runServer`. `koor doctor` uses the other functions to read the settings and to inspect a data directory.
 */
import module from "node:module";
import { fileURLToPath } from "node:url";
import { realpathSync } from "node:fs";
import { resolve } from "node:path";
import { setFlagsFromString } from "node:v8";
import { HEAP_GROWTH_PERCENT } from "../schemas/limits/process.js";
import type { ServeSettings } from "../schemas/config.js";
import type { DataDirState } from "../schemas/data-dir.js";
import { VERSION } from "../schemas/version.js";
import { escapeHidden } from "../schemas/visible-text.js";
import { isOutOfDescriptors } from "./base/descriptors.js";
import { reasonOf, traceOf } from "./base/reason.js";
import { checkToken, ConfigError, helpText, loadConfig, type Invocation } from "./platform/config/load.js";
import type { Server } from "./server.js";
import { startWriter } from "./platform/threads/early-writer.js";

const URLS = {
  writer: new URL("../workers/writer/main.js", import.meta.url),
  pool: new URL("../workers/pool/main.js", import.meta.url),
  staging: new URL("../workers/staging/main.js", import.meta.url),
  telemetry: new URL("../workers/telemetry/main.js", import.meta.url),
  pages: new URL("../dashboard/", import.meta.url),
  documents: new URL("../docs/", import.meta.url),
  cache: new URL("../.compile-cache", import.meta.url),
};

const PRIVATE_UMASK = 0o077;
const EXIT_UNUSABLE = 1;
const EXIT_USAGE = 2;

/**
 * Reads the settings with which the server would start. If they are invalid, returns the line that the server would
 * print.
 */
export function readServeSettings(
  argv: readonly string[],
  environment: NodeJS.ProcessEnv,
): ServeSettings | { readonly refusal: string } {
  try {
    const invocation = loadConfig(argv, environment);
    if (invocation.kind !== "serve") return { refusal: "the flags ask for no server" };
    checkToken(invocation.config);
    const { data_dir, bind, dashboard_bind } = invocation.config;
    return { data_dir, bind, dashboard_bind };
  } catch (error) {
    if (error instanceof ConfigError) return { refusal: error.message };
    throw error;
  }
}

/** Inspects a data directory without changing it. Loads SQLite. */
export async function inspectDataDir(dataDir: string): Promise<DataDirState> {
  const { inspect } = await import("./platform/store/inspect-data-dir.js");
  return inspect(dataDir);
}

/** Runs a server until a signal stops it, and then ends the process. */
export async function runServer(argv: readonly string[]): Promise<void> {
  let invocation: Invocation;
  try {
    invocation = loadConfig(argv, process.env);
    if (invocation.kind === "serve") checkToken(invocation.config);
  } catch (error) {
    if (!(error instanceof ConfigError)) throw error;
    stopWith(error.message, EXIT_USAGE);
  }
  if (invocation.kind === "help") {
    process.stdout.write(helpText());
    return;
  }
  if (invocation.kind === "version") {
    process.stdout.write(`koor-server ${VERSION}\n`);
    return;
  }
  // Only the server's own user may access the files that the server creates: the database, the WAL, the lock, and the
  // files of restores and snapshots.
  process.umask(PRIVATE_UMASK);
  cacheCompiledCode();
  // Make V8 collect garbage earlier. By default, V8 lets a heap of 20 MB grow beyond 100 MB, which is too much on a
  // small machine.
  setFlagsFromString(`--heap-growing-percent=${HEAP_GROWTH_PERCENT}`);
  // Make V8 allocate all new objects in its young space. By default, V8 learns from the first requests which objects
  // survive, while the young space is still small. It then allocates some objects of every request in the old space,
  // and these keep the rest of their requests alive. As a result, 40 % of the young space survived each collection,
  // instead of 500 bytes.
  setFlagsFromString("--no-allocation-site-pretenuring");
  // Handle SIGXFSZ, which the system sends at a file-size limit (ulimit -f). The write then fails as on a full disk.
  // Without a handler, the signal would kill the process.
  process.on("SIGXFSZ", () => undefined);
  process.on("uncaughtException", surviveShortage);
  let server: Server;
  try {
    const { config, file } = invocation;
    // Start the writer first, so that it loads its modules while the front loads its own.
    const earlyWriter = startWriter(URLS.writer, resolve(config.data_dir), config);
    const { startServer } = await import("./server.js");
    server = await startServer(config, URLS, earlyWriter, file);
  } catch (error) {
    const wrong = error instanceof Error && error.name === "ClusterError";
    stopWith(wrong ? error.message : startFailure(error), wrong ? EXIT_USAGE : EXIT_UNUSABLE);
  }
  let stopping = false;
  const stop = (): void => {
    // A second signal ends the process at once. That is safe, because acknowledged data is on disk.
    if (stopping) process.exit(EXIT_UNUSABLE);
    stopping = true;
    server.stop().then(
      () => process.exit(0),
      (error: unknown) => {
        stopWith(reasonOf(error), EXIT_UNUSABLE);
      },
    );
  };
  process.on("SIGINT", stop);
  process.on("SIGTERM", stop);
  // Windows sends SIGBREAK for Ctrl-Break and to stop a service. SIGTERM never arrives there.
  if (process.platform === "win32") process.on("SIGBREAK", stop);
}

/**
 * Caches the code that V8 has compiled for the modules, so that the next start is faster (Node 22 and newer). The cache
 * is next to Koor's programs, where no other user can write. If the folder is not writable, no code is cached. The
 * environment variable enables the cache in the other threads too.
 */
function cacheCompiledCode(): void {
  const { enableCompileCache } = module as { readonly enableCompileCache?: (folder: string) => unknown };
  if (enableCompileCache === undefined || process.env["NODE_DISABLE_COMPILE_CACHE"] !== undefined) return;
  const folder = process.env["NODE_COMPILE_CACHE"] ?? fileURLToPath(URLS.cache);
  enableCompileCache(folder);
  process.env["NODE_COMPILE_CACHE"] = folder;
}

/**
 * Keeps the server running after one kind of uncaught exception. The process had no free file descriptor, and a library
 * threw outside of any call. Then only the library's own operation has failed. Any other exception ends the process, as
 * it would without this handler.
 */
function surviveShortage(error: unknown): void {
  if (isOutOfDescriptors(error)) return;
  process.stderr.write(`${traceOf(error)}\n`);
  process.exit(EXIT_UNUSABLE);
}

/** The names of errors whose messages are printed unchanged. These messages are written for the operator. */
const OPERATORS_ERRORS: ReadonlySet<string> = new Set([
  "TransportError",
  "SqliteMissingError",
  "DataDirError",
  "PortError",
]);

/** Returns the text of an error at the start, as one line for the operator. */
function startFailure(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  if (OPERATORS_ERRORS.has(error.name)) return error.message;
  return `cannot start: ${error.message.split("\n")[0]}`;
}

function stopWith(line: string, code: number): never {
  process.stderr.write(`koor-server: ${escapeHidden(line, "\n")}\n`);
  process.exit(code);
}

if (process.argv[1] !== undefined && realpathSync(process.argv[1]) === fileURLToPath(import.meta.url)) {
  await runServer(process.argv.slice(2));
}
