/**
 * Bundles each program into one file below `dist/app`, because most of Node's start time is spent on loading modules.
 * build.mjs calls this module.
 */
import { basename, dirname, extname, join, relative, sep } from "node:path";
import { isTest, listSources, outputOf, readIfThere, ROOT, stampLine, writeWhole } from "./build-files.mjs";
import { COMMONJS_BANNER, TARGET } from "./build-target.mjs";
import { asCommonJs, clipanionAlone, lazyModulesTogether } from "./cli-parts.mjs";
import { bundledFolders } from "./third-party.mjs";

export const APP = join(ROOT, "dist", "app");
export const PROGRAMS = [
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

/**
 * Packages that are not bundled but loaded from node_modules, because they contain native code or files that are
 * started as threads.
 */
export const EXTERNAL = ["uWebSockets.js", "better-sqlite3", "@photostructure/sqlite"];
/** A package that piscina loads only to change the priority of a thread, which Koor does not do. */
const UNUSED = "@napi-rs/nice";

function bundleOf(program) {
  const folder = FOLDERS[program];
  if (program === HOOK_PROGRAM) return outputOf(program, APP).replace(/\.js$/, ".cjs");
  return folder === undefined ? outputOf(program, APP) : join(APP, folder, basename(program));
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
export async function buildProgram(program, esbuild, stamp) {
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

/** Whether the bundles of all programs were built from the sources with this stamp. */
export function areProgramsFresh(stamp) {
  return PROGRAMS.every((program) => readIfThere(bundleOf(program)).endsWith(stampLine(stamp)));
}
