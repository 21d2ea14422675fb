/**
 * Bundles packages for the tests. Each test file is a process that loads these packages, and Node takes longer to find
 * and load their hundreds of small files than to run most tests. The bundles are in `dist/node_modules`, where Node
 * finds them for the files of `dist/tree` before it looks into the checkout's own `node_modules`. Without the bundles,
 * tests run with the original packages. Used by build-tree.mjs.
 */
import { readFileSync } from "node:fs";
import { join, relative, sep } from "node:path";

/**
 * The packages, each with the folder of its bundle. tap removes its own calls from stack traces if they are in a folder
 * `node_modules/@tapjs`.
 */
const LIBRARIES = [
  { name: "typebox", folder: "typebox" },
  { name: "tap", folder: "@tapjs/tap" },
];

/** Returns the entry points of a package by the paths in its `exports`: `{ ".": file, "./value": file }`. */
function entriesOf(packageFolder) {
  const { exports } = JSON.parse(readFileSync(join(packageFolder, "package.json"), "utf8"));
  const entries = {};
  for (const [path, target] of Object.entries(exports)) {
    const file = target.import?.default ?? target.import;
    if (file !== undefined) entries[path] = join(packageFolder, file);
  }
  return entries;
}

/** Returns the name of an entry point's bundle: "index" for ".", "value" for "./value". */
function bundleName(path) {
  return path === "." ? "index" : path.slice(2);
}

/** Returns the `package.json` of a bundled package. */
function manifestOf(name, paths) {
  const exports = Object.fromEntries(paths.map((path) => [path, `./${bundleName(path)}.js`]));
  return `${JSON.stringify({ name, type: "module", exports }, null, 2)}\n`;
}

/**
 * Returns the module `tap`. Its default export is the test to which a test file adds its tests: the root of the
 * process, or what test/support/several-files.ts has set. A default export that changes is seen by all modules that
 * import it.
 */
function tapModule(bundle) {
  return [
    `import root from ${bundle};`,
    `export * from ${bundle};`,
    "let current = root;",
    "export { current as default };",
    "export function setCurrentTest(test) {",
    "  current = test;",
    "}",
    "",
  ].join("\n");
}

/**
 * Bundles the packages.
 * @param options the options of esbuild that all bundles of the build share
 * @returns the files, by their path in `dist/node_modules` with `/` as separator
 */
export async function bundleLibraries({ root, esbuild, options }) {
  const files = new Map();
  for (const { name, folder } of LIBRARIES) {
    const entries = entriesOf(join(root, "node_modules", name));
    const paths = Object.keys(entries);
    const outdir = join(root, "dist", "node_modules", folder);
    const { outputFiles } = await esbuild.build({
      ...options,
      absWorkingDir: root,
      entryPoints: Object.fromEntries(paths.map((path) => [bundleName(path), entries[path]])),
      outdir,
      // Splitting lets the entry points of a package share their state.
      splitting: true,
      chunkNames: "part-[hash]",
    });
    for (const { path, contents } of outputFiles)
      files.set(`${folder}/${relative(outdir, path).split(sep).join("/")}`, contents);
    files.set(`${folder}/package.json`, manifestOf(folder, paths));
    if (folder === name) continue;
    const bundle = `"../${folder}/index.js"`;
    files.set(`${name}/index.js`, tapModule(bundle));
    files.set(`${name}/package.json`, manifestOf(name, ["."]));
  }
  return files;
}
