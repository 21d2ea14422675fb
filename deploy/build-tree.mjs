/**
 * Transpiles every source file into `dist/tree`, each at its own path. Tests and benchmarks run from there, with the
 * packages that build-libraries.mjs bundles. build.mjs calls this module.
 */
import { readFileSync, statSync } from "node:fs";
import { dirname, join, relative, sep } from "node:path";
import { outputOf, readIfThere, removeAllBut, ROOT, writeWhole } from "./build-files.mjs";
import { bundleLibraries } from "./build-libraries.mjs";
import { COMMONJS_BANNER, TARGET } from "./build-target.mjs";

const TREE = join(ROOT, "dist", "tree");
const TREE_STAMP = join(TREE, ".stamp");
const LIBRARIES = join(ROOT, "dist", "node_modules");
/**
 * The tolerance in ms for comparing modification times, because file systems and `utimes` round them. Two edits of a
 * file are never this close to each other.
 */
const MTIME_TOLERANCE_MS = 2;

/**
 * Whether the output of a source is current. An output has the modification time of its source, so that two concurrent
 * builds cannot mistake each other's output for their own.
 */
function isTranspiled(source) {
  const output = statSync(outputOf(source, TREE), { throwIfNoEntry: false });
  if (!output) return false;
  return Math.abs(output.mtimeMs - statSync(join(ROOT, source)).mtimeMs) < MTIME_TOLERANCE_MS;
}

export function removeOrphans(sources) {
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

/** Whether a file of the tree is stale. */
export function isTreeStale(sources, inputsStamp) {
  return readIfThere(TREE_STAMP) !== inputsStamp || !sources.every(isTranspiled);
}

/**
 * Transpiles the files whose output is stale. If a file cannot be parsed, it is reported, and the others are still
 * written. Returns the failures.
 */
export async function buildTree(sources, esbuild, inputsStamp) {
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
