/**
 * Builds the programs and test files from the TypeScript sources. If nothing has changed, it finishes at once. There
 * are three outputs. `dist/tree` contains every file, transpiled, at its own path; tests and benchmarks run from there,
 * with the packages that build-libraries.mjs bundles. `dist/client` contains the client library (build-client.mjs).
 * `dist/app` contains the programs, the dashboard's pages (build-pages.mjs) and the documents (build-docs.mjs). Each
 * program is bundled into one file, because most of Node's start time is spent on loading modules. Types are checked by
 * `npm run types`, and not here. This file itself finds out which outputs are stale, because esbuild cannot do it. A
 * full build takes 4 s, an unchanged one 0.2 s. Run: `node deploy/build.mjs [--programs]`; the flag leaves out
 * `dist/tree`.
 */
import { createHash } from "node:crypto";
import {
  existsSync,
  mkdirSync,
  readFileSync,
  readdirSync,
  realpathSync,
  renameSync,
  rmSync,
  rmdirSync,
  statSync,
  utimesSync,
  writeFileSync,
} from "node:fs";
import { basename, dirname, extname, join, relative, sep } from "node:path";
import { fileURLToPath } from "node:url";
import { buildClient, CLIENT_FOLDER, isClientFresh } from "./build-client.mjs";
import { bundleLibraries } from "./build-libraries.mjs";
import { buildDocs } from "./build-docs.mjs";
import { buildPages } from "./build-pages.mjs";
import { asCommonJs, clipanionAlone, lazyModulesTogether } from "./cli-parts.mjs";
import { bundledFolders, thirdPartyNotices } from "./third-party.mjs";

const ROOT = fileURLToPath(new URL("..", import.meta.url));
const TREE = join(ROOT, "dist", "tree");
const APP = join(ROOT, "dist", "app");
const TREE_STAMP = join(TREE, ".stamp");
const LIBRARIES = join(ROOT, "dist", "node_modules");
const PAGES = join(APP, "dashboard");
const PAGES_STAMP = join(PAGES, ".stamp");
const DOCS = join(APP, "docs");
const DOCS_STAMP = join(DOCS, ".stamp");

/**
 * The file with the licences of all packages in the bundles. Each file in TAKEN lists the packages of one of the three
 * builds.
 */
const NOTICES = join(APP, "THIRD-PARTY.md");
const TAKEN = {
  programs: join(ROOT, "dist", ".packages", "programs.json"),
  pages: join(ROOT, "dist", ".packages", "pages.json"),
  docs: join(ROOT, "dist", ".packages", "docs.json"),
};

const SOURCE_FOLDERS = ["src", "workers", "schemas", "shared", "cli", "clients", "dashboard", "bench", "test"];
const PROGRAM_FOLDERS = ["src", "workers", "schemas", "shared", "cli"];
const PAGE_FOLDERS = ["dashboard", "schemas", "shared"];
const DOC_FOLDERS = ["docs", "dashboard/docs", "dashboard/style"];
/** Files on which every output depends. If one of them changes, everything is built again. */
const BUILD_INPUTS = [
  "deploy/build.mjs",
  "deploy/build-client.mjs",
  "deploy/build-docs.mjs",
  "deploy/build-libraries.mjs",
  "deploy/build-pages.mjs",
  "deploy/cli-parts.mjs",
  "deploy/compress.mjs",
  "deploy/render-markdown.mjs",
  "deploy/third-party.mjs",
  "package.json",
  "package-lock.json",
  "tsconfig.json",
];
const PROGRAMS = [
  "src/main.ts",
  // These modules are bundled apart from the code that makes schemas. Otherwise the start of each bundle would load a
  // package that both use.
  "src/base/shape-compiler.ts",
  "workers/writer/main.ts",
  "workers/pool/main.ts",
  "workers/staging/main.ts",
  "workers/snapshot/main.ts",
  "workers/telemetry/main.ts",
  "node_modules/piscina/dist/worker.js",
  "cli/koor.ts",
  "cli/hook.ts",
];
/** The folder into which a program is bundled, if it differs from the folder of its source. */
const FOLDERS = {
  // piscina starts its threads with the file of this name that is beside its own code. Its code is bundled into the
  // server.
  "node_modules/piscina/dist/worker.js": "src",
};

/** The program that clients run as a hook. Its bundle is a CommonJS module, which Node starts faster. */
const HOOK_PROGRAM = "cli/hook.ts";
/** The program of the command line. Its bundle has few parts, which cli-parts.mjs chooses, all of them CommonJS. */
const CLI_PROGRAM = "cli/koor.ts";
/**
 * A package.json that tells Node that the files beside it are CommonJS modules. The package's own package.json says ES
 * modules.
 */
const CLI_MANIFEST = { path: join(APP, "cli", "package.json"), content: '{ "type": "commonjs" }\n' };

const TARGET = "node20.12";
/**
 * Packages that are not bundled but loaded from node_modules, because they contain native code or files that are
 * started as threads.
 */
export const EXTERNAL = ["uWebSockets.js", "better-sqlite3", "@photostructure/sqlite"];
/** A package that piscina loads only to change the priority of a thread, which Koor does not do. */
const UNUSED = "@napi-rs/nice";
/**
 * The code that defines `require` and `__dirname` at the start of a bundle. Bundled CommonJS packages use them, and an
 * ES module does not have them.
 */
const COMMONJS_BANNER =
  'import { createRequire as createRequireOfBundle } from "node:module";\n' +
  "const require = createRequireOfBundle(import.meta.url), __dirname = import.meta.dirname;";
/** The suffix of a file that is being written. It keeps the files of two concurrent builds apart. */
const PART_SUFFIX = ".part";
/**
 * The tolerance in ms for comparing modification times, because file systems and `utimes` round them. Two edits of a
 * file are never this close to each other.
 */
const MTIME_TOLERANCE_MS = 2;

/**
 * Lists the files below `folder`, relative to the root, with `/` as separator. Returns `[]` if the folder does not
 * exist.
 */
function listFiles(folder) {
  const top = join(ROOT, folder);
  if (!existsSync(top)) return [];
  return readdirSync(top, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) =>
      relative(ROOT, join(entry.parentPath ?? entry.path, entry.name))
        .split(sep)
        .join("/"),
    )
    .toSorted();
}

/** Lists the TypeScript files below `folder`. */
function listSources(folder) {
  return listFiles(folder).filter((path) => /\.tsx?$/.test(path) && !path.endsWith(".d.ts"));
}

function isTest(path) {
  return /\.test\.tsx?$/.test(path);
}

/**
 * Returns a short hash of the paths and contents of `files`. It changes when a file is edited, added or removed. It
 * does not depend on times, because it becomes part of the package, and two builds of the same sources must give the
 * same package.
 */
function stampOf(files) {
  const hash = createHash("sha256");
  for (const file of files) {
    const content = readIfThere(join(ROOT, file));
    hash.update(`${file}\0${content.length}\0`).update(content);
  }
  return hash.digest("hex").slice(0, 32);
}

/**
 * Replaces a file: writes a temporary file and renames it, so that a reader sees either the whole old or the whole new
 * file.
 */
function writeWhole(path, content, mtimeMs) {
  mkdirSync(dirname(path), { recursive: true });
  const aside = `${path}.${process.pid}${PART_SUFFIX}`;
  writeFileSync(aside, content);
  if (mtimeMs !== undefined) utimesSync(aside, mtimeMs / 1000, mtimeMs / 1000);
  renameSync(aside, path);
}

function readIfThere(path) {
  return existsSync(path) ? readFileSync(path, "utf8") : "";
}

function outputOf(source, folder) {
  return join(folder, source.replace(/\.tsx?$/, ".js"));
}

function bundleOf(program) {
  const folder = FOLDERS[program];
  if (program === HOOK_PROGRAM) return outputOf(program, APP).replace(/\.js$/, ".cjs");
  return folder === undefined ? outputOf(program, APP) : join(APP, folder, basename(program));
}

/**
 * Whether the output of a source is current. An output has the modification time of its source, so that two concurrent
 * builds cannot mistake each other's output for their own.
 */
function isTranspiled(source) {
  const output = statSync(outputOf(source, TREE), { throwIfNoEntry: false });
  if (!output) return false;
  return Math.abs(output.mtimeMs - statSync(join(ROOT, source)).mtimeMs) < MTIME_TOLERANCE_MS;
}

/** Removes from `folder` all files that are not in `wanted`, and empty folders. */
function removeAllBut(folder, wanted) {
  if (!existsSync(folder)) return;
  const folders = [];
  for (const entry of readdirSync(folder, { recursive: true, withFileTypes: true })) {
    const path = join(entry.parentPath ?? entry.path, entry.name);
    if (entry.isDirectory()) folders.push(path);
    else if (!wanted.has(path) && !path.endsWith(PART_SUFFIX)) rmSync(path, { force: true });
  }
  for (const inner of folders.toSorted((a, b) => b.length - a.length)) {
    if (existsSync(inner) && readdirSync(inner).length === 0) rmdirSync(inner);
  }
}

function removeOrphans(sources) {
  const outputs = sources.map((source) => outputOf(source, TREE));
  removeAllBut(TREE, new Set([TREE_STAMP, ...outputs, ...outputs.map((output) => `${output}.map`)]));
}

/**
 * Returns the imports that must be evaluated before a test file, and before a test of properties, as one line of code.
 */
function firstImports(source, text, output) {
  const first = [];
  if (source.endsWith(".test.ts")) first.push("every-file");
  if (/ from "fast-check"/.test(text) && !source.endsWith("every-property.ts")) first.push("every-property");
  return first
    .map((name) =>
      relative(dirname(output), join(TREE, "test", "support", `${name}.js`))
        .split(sep)
        .join("/"),
    )
    .map((path) => `import "${path.startsWith(".") ? path : `./${path}`}";`)
    .join(" ");
}

/** Bundles the packages that the tests load, and removes files that earlier builds left. */
async function buildLibraries(esbuild) {
  const options = {
    bundle: true,
    write: false,
    format: "esm",
    target: TARGET,
    platform: "node",
    mainFields: ["module", "main"],
    banner: { js: COMMONJS_BANNER },
    logLevel: "silent",
  };
  const files = await bundleLibraries({ root: ROOT, esbuild, options });
  for (const [path, content] of files) writeWhole(join(LIBRARIES, path), content);
  removeAllBut(LIBRARIES, new Set([...files.keys()].map((path) => join(LIBRARIES, path))));
}

/**
 * Transpiles the files whose output is stale. If a file cannot be parsed, it is reported, and the others are still
 * written. Returns the failures.
 */
async function buildTree(sources, esbuild, inputsStamp) {
  removeOrphans(sources);
  const allStale = readIfThere(TREE_STAMP) !== inputsStamp;
  const stale = sources.filter((source) => allStale || !isTranspiled(source));
  const results = await Promise.allSettled(
    stale.map(async (source) => {
      const output = outputOf(source, TREE);
      const { mtimeMs } = statSync(join(ROOT, source));
      const text = readFileSync(join(ROOT, source), "utf8");
      const { code, map } = await esbuild
        .transform(text, {
          loader: source.endsWith(".tsx") ? "tsx" : "ts",
          jsx: "automatic",
          jsxImportSource: "preact",
          format: "esm",
          target: TARGET,
          platform: "node",
          sourcemap: "external",
          sourcefile: relative(dirname(output), join(ROOT, source)),
          banner: firstImports(source, text, output),
          tsconfigRaw: { compilerOptions: { verbatimModuleSyntax: true } },
        })
        .catch((failure) => {
          for (const error of failure.errors ?? []) if (error.location) error.location.file = source;
          throw failure;
        });
      const name = output.slice(output.lastIndexOf(sep) + 1);
      writeWhole(`${output}.map`, map);
      writeWhole(output, `${code}//# sourceMappingURL=${name}.map\n`, mtimeMs);
    }),
  );
  if (allStale) results.push(...(await Promise.allSettled([buildLibraries(esbuild)])));
  const failures = results.filter((result) => result.status === "rejected").map((result) => result.reason);
  if (failures.length === 0) writeWhole(TREE_STAMP, inputsStamp);
  return { failures, count: stale.length };
}

/**
 * An esbuild plugin that leaves imports of other programs out of a bundle. A program that another one imports at run
 * time is loaded from its own bundle. This works because the bundles have the same relative paths as their sources.
 */
function programsApart(program) {
  const home = join(ROOT, dirname(program));
  return {
    name: "programs-apart",
    setup(bundling) {
      bundling.onResolve({ filter: /^\.\.?\// }, ({ kind, path, resolveDir }) => {
        if (kind !== "dynamic-import") return undefined;
        const target = join(resolveDir, path);
        const source = relative(ROOT, target).split(sep).join("/").replace(/\.js$/, ".ts");
        if (!PROGRAMS.includes(source)) return undefined;
        // The folder of a program contains everything that is bundled into it, including its parts.
        const seen = relative(home, target).split(sep).join("/");
        return { path: seen.startsWith(".") ? seen : `./${seen}`, external: true };
      });
    },
  };
}

function stampLine(stamp) {
  return `// built from ${stamp}\n`;
}

function bannerOf(program) {
  return program === HOOK_PROGRAM || program === CLI_PROGRAM ? {} : { js: COMMONJS_BANNER };
}

function cliPlugins() {
  const sources = listSources("cli").filter((source) => !isTest(source));
  return [lazyModulesTogether(ROOT, sources), clipanionAlone(ROOT)];
}

/**
 * Bundles one program. Returns the paths of the files that it wrote, and the packages that they contain. Writes the
 * stamp of the sources last.
 */
async function buildProgram(program, esbuild, stamp) {
  const output = bundleOf(program);
  const { outputFiles, metafile } = await esbuild.build({
    absWorkingDir: ROOT,
    entryPoints: [program],
    outdir: dirname(output),
    write: false,
    metafile: true,
    bundle: true,
    format: program === HOOK_PROGRAM ? "cjs" : "esm",
    outExtension: { ".js": extname(output) },
    target: TARGET,
    platform: "node",
    treeShaking: true,
    // White space is removed, because less code is read at the start. Names are kept for stack traces.
    minifyWhitespace: true,
    // Splitting moves modules that are only imported at run time (the schema compiler) into separate files, which are
    // not read at the start. The hook is a single small file, because it starts each time an agent calls a tool.
    splitting: program !== HOOK_PROGRAM,
    chunkNames: "part-[hash]",
    // The conversion of the command line's parts reads the source maps from the texts of the parts.
    sourcemap: program === CLI_PROGRAM ? "inline" : "linked",
    sourcesContent: false,
    external: [...EXTERNAL, UNUSED],
    banner: bannerOf(program),
    // Many packages have a CommonJS version as `main` and ES modules as `module`. ES modules are preferred, because
    // unused code can be removed only from them.
    mainFields: ["module", "main"],
    plugins: [programsApart(program), ...(program === CLI_PROGRAM ? cliPlugins() : [])],
    logLevel: "silent",
  });
  const files =
    program === CLI_PROGRAM
      ? (await asCommonJs(esbuild, outputFiles, TARGET)).set(CLI_MANIFEST.path, CLI_MANIFEST.content)
      : new Map(outputFiles.map(({ path, contents }) => [path, contents]));
  for (const [path, content] of files) if (path !== output) writeWhole(path, content);
  writeWhole(output, Buffer.from(files.get(output)).toString() + stampLine(stamp));
  return { paths: [...files.keys()], packages: bundledFolders(metafile) };
}

function writePackages(path, packages) {
  writeWhole(path, `${JSON.stringify([...packages])}\n`);
}

/** Writes the licence notices of all packages in the builds, once all lists of packages exist. */
function writeNotices() {
  const lists = Object.values(TAKEN).map(readIfThere);
  if (lists.includes("")) return;
  writeWhole(NOTICES, thirdPartyNotices(ROOT, new Set(lists.flatMap((list) => JSON.parse(list)))));
}

/** Bundles every program and removes files that earlier builds left. Returns the failures. */
async function buildApp(esbuild, stamp) {
  const results = await Promise.allSettled(PROGRAMS.map((program) => buildProgram(program, esbuild, stamp)));
  const failures = results.filter((result) => result.status === "rejected").map((result) => result.reason);
  const pages = [PAGES, DOCS].flatMap((folder) => listFiles(relative(ROOT, folder))).map((path) => join(ROOT, path));
  if (failures.length > 0) return failures;
  const built = results.map((result) => result.value);
  writePackages(TAKEN.programs, new Set(built.flatMap(({ packages }) => [...packages])));
  removeAllBut(APP, new Set([NOTICES, ...built.flatMap(({ paths }) => paths), ...pages]));
  return [];
}

/** Bundles the dashboard's pages and removes files that earlier builds left. Returns the failures. */
async function buildDashboard(esbuild, stamp) {
  let files;
  try {
    const built = await buildPages({ root: ROOT, esbuild });
    files = built.files;
    writePackages(TAKEN.pages, built.packages);
  } catch (error) {
    return [error];
  }
  // index.html names the other files, so it is written after them. The stamp is written last.
  const paths = [...files.keys()].toSorted((a, b) => Number(a.startsWith("index")) - Number(b.startsWith("index")));
  for (const path of paths) writeWhole(join(PAGES, path), files.get(path));
  writeWhole(PAGES_STAMP, stamp);
  removeAllBut(PAGES, new Set([PAGES_STAMP, ...paths.map((path) => join(PAGES, path))]));
  return [];
}

/** Renders the documents and removes files that earlier builds left. Returns the failures. */
async function buildDocuments(esbuild, stamp) {
  try {
    const { files, packages } = await buildDocs({ root: ROOT, esbuild });
    for (const [path, content] of files) writeWhole(join(DOCS, path), content);
    writePackages(TAKEN.docs, packages);
    writeWhole(DOCS_STAMP, stamp);
    removeAllBut(DOCS, new Set([DOCS_STAMP, ...[...files.keys()].map((path) => join(DOCS, path))]));
    return [];
  } catch (error) {
    return [error];
  }
}

/** Bundles the client library. Returns the failures. */
async function buildClientLibrary(esbuild, stamp) {
  try {
    const { path, content } = await buildClient({ root: ROOT, esbuild });
    writeWhole(path, content + stampLine(stamp));
    return [];
  } catch (error) {
    return [error];
  }
}

function describeSources() {
  const sources = SOURCE_FOLDERS.flatMap(listSources);
  const ofPrograms = PROGRAM_FOLDERS.flatMap((folder) => sources.filter((source) => source.startsWith(`${folder}/`)));
  return {
    sources,
    inputsStamp: stampOf(BUILD_INPUTS),
    appStamp: stampOf([...BUILD_INPUTS, ...ofPrograms.filter((source) => !isTest(source))]),
    clientStamp: stampOf([
      ...BUILD_INPUTS,
      ...sources.filter((path) => path.startsWith(`${CLIENT_FOLDER}/`) && !isTest(path)),
    ]),
    pagesStamp: stampOf([...BUILD_INPUTS, ...PAGE_FOLDERS.flatMap(listFiles).filter((path) => !isTest(path))]),
    docsStamp: stampOf([...BUILD_INPUTS, ...DOC_FOLDERS.flatMap(listFiles).filter((path) => !isTest(path))]),
  };
}

function areProgramsFresh({ appStamp }) {
  const line = stampLine(appStamp);
  return existsSync(NOTICES) && PROGRAMS.every((program) => readIfThere(bundleOf(program)).endsWith(line));
}

function arePagesFresh({ pagesStamp }) {
  return existsSync(TAKEN.pages) && readIfThere(PAGES_STAMP) === pagesStamp;
}

function areDocumentsFresh({ docsStamp }) {
  return existsSync(TAKEN.docs) && readIfThere(DOCS_STAMP) === docsStamp;
}

/**
 * Builds everything that is stale: the programs and, if `tree` is true, also every single file. Prints one line for
 * each thing that was built. Returns whether everything succeeded. Failures are printed with file and line.
 */
export async function build({ tree }) {
  const startedMs = performance.now();
  const now = describeSources();
  const treeStale = tree && (readIfThere(TREE_STAMP) !== now.inputsStamp || !now.sources.every(isTranspiled));
  const appStale = !areProgramsFresh(now);
  const pagesStale = !arePagesFresh(now);
  const docsStale = !areDocumentsFresh(now);
  const clientStale = !isClientFresh(ROOT, stampLine(now.clientStamp));
  if (tree && !treeStale) removeOrphans(now.sources);
  if (!treeStale && !appStale && !pagesStale && !docsStale && !clientStale) return true;

  const esbuild = await import("esbuild");
  const [treeResult, appFailures, pageFailures, docFailures, clientFailures] = await Promise.all([
    treeStale ? buildTree(now.sources, esbuild, now.inputsStamp) : { failures: [], count: 0 },
    appStale ? buildApp(esbuild, now.appStamp) : [],
    pagesStale ? buildDashboard(esbuild, now.pagesStamp) : [],
    docsStale ? buildDocuments(esbuild, now.docsStamp) : [],
    clientStale ? buildClientLibrary(esbuild, now.clientStamp) : [],
  ]);
  const failures = [...treeResult.failures, ...appFailures, ...pageFailures, ...docFailures, ...clientFailures];
  const messages = new Set();
  for (const failure of failures) {
    if (!failure.errors) throw failure;
    for (const text of await esbuild.formatMessages(failure.errors, { kind: "error" })) messages.add(text);
  }
  for (const text of messages) process.stderr.write(text);
  if (failures.length > 0) return false;
  writeNotices();
  const what = [
    treeStale && `${treeResult.count} files`,
    appStale && `${PROGRAMS.length} programs`,
    pagesStale && "the dashboard",
    docsStale && "the documents",
    clientStale && "the client library",
  ];
  const tookMs = Math.round(performance.now() - startedMs);
  process.stderr.write(`built ${what.filter(Boolean).join(", ")} in ${tookMs} ms\n`);
  return true;
}

/** Whether Node was started with the module at this URL. Symbolic links are followed. */
export function isRunAsProgram(url) {
  return process.argv[1] !== undefined && fileURLToPath(url) === realpathSync(process.argv[1]);
}

if (isRunAsProgram(import.meta.url)) {
  const built = await build({ tree: !process.argv.includes("--programs") });
  process.exitCode = built ? 0 : 1;
}
