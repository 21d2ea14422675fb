#!/usr/bin/env node
/**
 * The programs `koor` and `koor-cli`: run the bundled command line in this process, with the code that V8 compiled in
 * an earlier run. Compiling the bundle and resolving its modules would take a third of the time of a short command.
 * Node 20 does not cache compiled code, and later versions of Node cache it for each module separately.
 *
 * There is one cache file for each noun, which is the first word of a command line. The file contains the code of the
 * parts that the noun's commands have used. It is beside the bundle, or in the user's cache folder if the bundle's
 * folder cannot be written. If there is no cache file, the bundle is loaded without it.
 *
 * It is a CommonJS module (package.json), because Node starts one faster than an ES module. It is a single file,
 * because finding a second file would take Node longer than running it.
 */
const fs = require("node:fs");
const { dirname, isAbsolute, join } = require("node:path");
const vm = require("node:vm");

const program = join(__dirname, "..", "..", "dist", "app", "cli", "koor.js");
const HEAD = "(function(exports,require,module,__filename,__dirname){";
const TAIL = "\n})";
/** The length of the bundle's stamp, which is in its last line: `// built from <stamp>` (deploy/build.mjs). */
const STAMP_CHARACTERS = 32;
const WORD = /^[a-z_-]{1,20}$/;
const OTHERS_MAY_WRITE = 0o022;
/**
 * After this time, the cached code of other versions is deleted. The time counts from when a command last added code to
 * it.
 */
const KEPT_MS = 30 * 24 * 60 * 60 * 1000;

/** Returns the folders that may contain cache files, the preferred one first. */
function cacheFolders(stamp) {
  const name = `${process.version}-${process.arch}-${stamp}`;
  const { XDG_CACHE_HOME, HOME, LOCALAPPDATA } = process.env;
  const users = process.platform === "win32" ? LOCALAPPDATA : XDG_CACHE_HOME || (HOME && join(HOME, ".cache"));
  const beside = join(dirname(program), "..", ".compile-cache", "cli", name);
  return users && isAbsolute(users) ? [beside, join(users, "koor", "cli", name)] : [beside];
}

/**
 * Reads a cache file. The file must belong to this user alone, because compiled code can do anything. Its content is in
 * it twice, because V8 does not notice damage, and no checksum is as fast as a comparison.
 */
function readCache(path) {
  let file;
  try {
    file = fs.openSync(path, "r");
    const { uid, mode, size } = fs.fstatSync(file);
    if (process.geteuid && (uid !== process.geteuid() || mode & OTHERS_MAY_WRITE)) return undefined;
    const bytes = Buffer.allocUnsafeSlow(size);
    if (fs.readSync(file, bytes) !== size) return undefined;
    const half = bytes.subarray(0, size / 2);
    return half.equals(bytes.subarray(size / 2)) ? decode(half) : undefined;
  } catch {
    return undefined;
  } finally {
    if (file !== undefined) fs.closeSync(file);
  }
}

/**
 * Decodes a cache file: the length of the index (4 bytes), the index, and the code of each part. The index is JSON, and
 * has the names and lengths of the parts.
 */
function decode(bytes) {
  const codes = new Map();
  let at = 4 + bytes.readUInt32LE(0);
  for (const [name, length] of JSON.parse(bytes.toString("latin1", 4, at))) {
    codes.set(name, bytes.subarray(at, at + length));
    at += length;
  }
  return codes;
}

function encode(codes) {
  const index = Buffer.from(JSON.stringify([...codes].map(([name, code]) => [name, code.length])), "latin1");
  const head = Buffer.alloc(4);
  head.writeUInt32LE(index.length);
  const once = [head, index, ...codes.values()];
  return Buffer.concat([...once, ...once]);
}

/** Removes cached code of other versions of the program or of Node if it is old. */
function dropOld(folder) {
  const parent = dirname(folder);
  for (const name of fs.readdirSync(parent)) {
    const other = join(parent, name);
    if (Date.now() - fs.statSync(other).mtimeMs > KEPT_MS) fs.rmSync(other, { recursive: true });
  }
}

/** Writes a cache file. Returns whether that has succeeded. */
function writeFile(folder, word, bytes) {
  const part = join(folder, `${word}.${process.pid}.part`);
  try {
    if (fs.mkdirSync(folder, { recursive: true, mode: 0o700 }) !== undefined) dropOld(folder);
    fs.writeFileSync(part, bytes, { mode: 0o600 });
    fs.renameSync(part, join(folder, word));
    return true;
  } catch {
    if (fs.existsSync(part)) fs.unlinkSync(part);
    return false;
  }
}

/** Writes a cache file into the first folder that can be written. */
function writeCache(folders, word, codes) {
  const bytes = encode(codes);
  folders.some((folder) => writeFile(folder, word, bytes));
}

/** The parts of the bundle that this run has loaded, and their compiled code. */
class Parts {
  #folder;
  #modules = new Map();
  #scripts = new Map();
  /** The cached code of each part; undefined if there is no usable cache file. */
  codes;
  /** Whether this run has compiled a part that is not in the cache file. */
  isNew = false;

  constructor(folder) {
    this.#folder = folder;
  }

  /** Returns what a part exports. Parts require each other many times, so only the first time reads and runs a part. */
  load(name, text) {
    const loaded = this.#modules.get(name);
    if (loaded !== undefined) return loaded.exports;
    const filename = join(this.#folder, name);
    const source = text ?? fs.readFileSync(filename, "utf8");
    const cachedData = this.codes?.get(name);
    const script = new vm.Script(HEAD + source + TAIL, {
      filename,
      columnOffset: -HEAD.length,
      cachedData,
      importModuleDynamically: vm.constants.USE_MAIN_CONTEXT_DEFAULT_LOADER,
    });
    if (cachedData === undefined || script.cachedDataRejected) this.isNew = true;
    this.#scripts.set(name, script);
    const module = { exports: {} };
    this.#modules.set(name, module);
    const requirePart = (id) => (id.startsWith("./") ? this.load(id.slice(2)) : process.getBuiltinModule(id));
    script.runInThisContext()(module.exports, requirePart, module, filename, this.#folder);
    return module.exports;
  }

  /** Returns the code of all parts, including the functions that this run has compiled. */
  compiled() {
    const compiled = new Map(this.codes);
    for (const [name, script] of this.#scripts) compiled.set(name, script.createCachedData());
    return compiled;
  }
}

/** Runs the bundle. @param word the first word of the command line */
function runCompiled(word = "") {
  // For cli/server-program.ts: Node warns if the compiled code imports a file by itself.
  process[Symbol.for("koor.import")] = (url) => import(url);
  const parts = new Parts(dirname(program));
  const source = fs.readFileSync(program, "utf8");
  if (WORD.test(word)) {
    const folders = cacheFolders(source.trimEnd().slice(-STAMP_CHARACTERS));
    for (const folder of folders) parts.codes ??= readCache(join(folder, word));
    process.once("exit", (code) => {
      if (code === 0 && parts.isNew) writeCache(folders, word, parts.compiled());
    });
    // The process has no work left at this point. It exits at once, because the memory need not be freed.
    process.once("beforeExit", () => process.exit());
  }
  parts.load("koor.js", source);
}

function run() {
  // If options of Node are set, such as those of a debugger or of coverage, Node itself loads the bundle.
  const { NODE_OPTIONS, NODE_V8_COVERAGE, NODE_DISABLE_COMPILE_CACHE } = process.env;
  if (process.execArgv.length > 0 || NODE_OPTIONS || NODE_V8_COVERAGE || NODE_DISABLE_COMPILE_CACHE) require(program);
  else runCompiled(process.argv[2]);
}

/** In a checkout that was never built (for example after `npm link`), installs packages and builds, and then runs. */
async function build() {
  const { prepare } = await import("../prepare.mjs");
  if (await prepare({ dev: false })) run();
  else process.exitCode = 1;
}

if (fs.existsSync(program)) run();
else void build();
