/**
 * Plugins of esbuild that divide the bundle of the command line, so that a command reads and compiles only what it
 * needs. Compiling the whole bundle takes a third of the time of a short command.
 *
 * Without them, esbuild would make a file for each module that is imported at run time, and one for each set of modules
 * that some of these share: about seventy files, and opening them takes as long as compiling them.
 */
import { readFileSync } from "node:fs";
import { basename, dirname, join, relative } from "node:path";

/** Modules that get a file of their own, because most commands need them, or because the fastest commands do. */
const OWN_FILES = new Set(["cli/main.ts", "cli/command-class.ts", "cli/help-topics.ts"]);
/** The name of the part for all other modules that are imported at run time. */
const REST = "koor-cli-rest";
/** The other parts, with their modules: the commands that are short themselves, and the rest of the command table. */
const PARTS = [
  ["koor-cli-short", /^cli\/commands\/(?:state|status|whoami)\.ts$|^cli\/whoami\.ts$/],
  ["koor-cli-table", /^cli\/(?:commands\/[^/]+|commands|help-command)\.ts$/],
];
/** Matches a run-time import of a module of the command line. */
const LAZY_IMPORT = /\bimport\("(\.\.?\/[^"]+)\.js"\)/g;

function targetOf(root, file, path) {
  return relative(root, join(dirname(file), `${path}.ts`)).replaceAll("\\", "/");
}

/**
 * Puts the modules that are imported at run time into few files. Each module is still evaluated at its first import.
 * @param sources the paths of the sources of the command line, relative to the root
 */
export function lazyModulesTogether(root, sources) {
  const targets = new Set();
  for (const source of sources) {
    const file = join(root, source);
    for (const [, path] of readFileSync(file, "utf8").matchAll(LAZY_IMPORT)) targets.add(targetOf(root, file, path));
  }
  // The sources are sorted, and so are the targets. So each build produces the same bundle.
  const lazy = [...targets].filter((target) => !OWN_FILES.has(target));
  const names = new Map(lazy.map((target, at) => [target, `module${at}`]));
  const partOf = (target) => PARTS.find(([, modules]) => modules.test(target))?.[0] ?? REST;
  return {
    name: "lazy-modules-together",
    setup(bundling) {
      bundling.onLoad({ filter: /[\\/]cli[\\/].*\.ts$/ }, ({ path: file }) => ({
        loader: "ts",
        contents: readFileSync(file, "utf8").replace(LAZY_IMPORT, (whole, path) => {
          const target = targetOf(root, file, path);
          const name = names.get(target);
          return name === undefined ? whole : `import("${partOf(target)}").then((part) => part.${name}())`;
        }),
      }));
      bundling.onResolve({ filter: /^koor-cli-[a-z]+$/ }, ({ path }) => ({ path, namespace: REST }));
      bundling.onLoad({ filter: /.*/, namespace: REST }, ({ path }) => ({
        loader: "js",
        resolveDir: root,
        contents: [...names]
          .filter(([target]) => partOf(target) === path)
          .map(([target, name]) => `export const ${name} = () => require("./${target}");`)
          .join("\n"),
      }));
    },
  };
}

/**
 * Resolves clipanion to its ES modules. Leaves out what the command line does not use: the module for terminals, and
 * the streams of its default context, which Node would open.
 */
export function clipanionAlone(root) {
  const folder = join(root, "node_modules", "clipanion", "lib");
  return {
    name: "clipanion-alone",
    setup(bundling) {
      bundling.onResolve({ filter: /^clipanion$/ }, () => ({ path: join(folder, "advanced", "index.mjs") }));
      bundling.onResolve({ filter: /platform/ }, ({ importer }) =>
        importer.startsWith(folder) ? { path: join(folder, "platform", "browser.mjs") } : undefined,
      );
      bundling.onLoad({ filter: /[\\/]clipanion[\\/]lib[\\/]advanced[\\/]Cli\.mjs$/ }, ({ path }) => ({
        loader: "js",
        contents: readFileSync(path, "utf8").replaceAll(/\bprocess\.std(?:in|out|err)\b/g, "undefined"),
      }));
    },
  };
}

/** Matches a run-time import of a part, or of a module of Node, in the output of esbuild. */
const RUN_TIME_IMPORT = /\bimport\("((?:\.\/|node:)[^"]+)"\)/g;
/** An expression for the URL of a bundled file. CommonJS modules do not have `import.meta.url`. */
const OWN_URL = 'require("node:url").pathToFileURL(__filename).href';

/**
 * Converts the parts of the bundle into CommonJS modules, which Node loads faster: the loader of ES modules takes a
 * tenth of the time of a start. The conversion is necessary, because esbuild divides a bundle into parts only if they
 * are ES modules.
 * @param files the outputs of esbuild, with source maps inside
 * @returns the texts by path, with a source map for each
 */
export async function asCommonJs(esbuild, files, target) {
  const outputs = new Map();
  for (const { path, text } of files) {
    const name = basename(path);
    const { code, map } = await esbuild.transform(
      text.replace(RUN_TIME_IMPORT, 'Promise.resolve().then(()=>require("$1"))'),
      {
        format: "cjs",
        platform: "node",
        target,
        minifyWhitespace: true,
        sourcemap: "external",
        sourcesContent: false,
        sourcefile: name,
        define: { "import.meta.url": "ownUrl", "import.meta.dirname": "__dirname" },
        banner: /\bimport\.meta\.url\b/.test(text) ? `const ownUrl=${OWN_URL};` : "",
      },
    );
    // The exports are assigned directly, because copying them would take longer than the functions that a short command
    // runs.
    const exported = code.replace(/\bmodule\.exports=__toCommonJS\((\w+)\)/, "module.exports=$1");
    outputs.set(path, `${exported}//# sourceMappingURL=${name}.map\n`);
    outputs.set(`${path}.map`, map);
  }
  return outputs;
}
