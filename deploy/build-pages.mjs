/**
 * Bundles the dashboard's pages into `dist/app/dashboard`. The output has `index.html`, and in `assets/` the scripts,
 * the style sheet and the icon, whose names contain their hashes. Each file has a copy in gzip and one in Brotli, so
 * that the server need not compress. build.mjs calls this module when the pages are stale.
 */
import { createHash } from "node:crypto";
import { readFileSync, readdirSync } from "node:fs";
import { basename, join, relative, sep } from "node:path";
import { compressed } from "./compress.mjs";
import { bundledFolders } from "./third-party.mjs";

/** The browsers for which the JavaScript is built: every maintained browser of 2023 and later. */
export const BROWSERS = ["chrome115", "firefox115", "safari16.4"];
const HASH_LENGTH = 8;

/**
 * Loads Oxc, the second minifier. Returns null if it has no binary for this machine. The scripts are then 4 % longer.
 */
function loadOxc() {
  return import("oxc-minify").catch(() => null);
}

/**
 * Minifies a script that esbuild has bundled and minified. Oxc joins and inlines more than esbuild does: compressed,
 * the scripts are 4 % smaller.
 * @param {string} name
 * @param {string} text
 * @throws {Error} if Oxc cannot read the script
 */
async function minified(name, text) {
  const oxc = await loadOxc();
  if (oxc === null) return Buffer.from(text);
  const { code, errors } = await oxc.minify(name, text, {
    module: true,
    compress: { target: BROWSERS },
    mangle: { toplevel: true },
  });
  if (errors.length > 0) throw new Error(`${name}: ${errors[0]?.message}`);
  return Buffer.from(code);
}

/**
 * Returns the project's style sheets in order. The sheets that all views share come first, and those of each view
 * follow.
 */
function styleSheets(folder) {
  const all = readdirSync(folder, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile() && entry.name.endsWith(".css"))
    .map((entry) =>
      relative(folder, join(entry.parentPath ?? entry.path, entry.name))
        .split(sep)
        .join("/"),
    )
    .toSorted();
  const shared = all.filter((path) => path.startsWith("style/"));
  // The pages of the documents have their own style sheet, which is left out here.
  return [...shared, ...all.filter((path) => !path.startsWith("style/") && !path.startsWith("docs/"))];
}

/** Inserts a hash of the content into a file's name, before the suffix. */
export function hashedName(name, content) {
  const hash = createHash("sha256").update(content).digest("hex").slice(0, HASH_LENGTH).toUpperCase();
  return name.replace(/(\.\w+)$/, `-${hash}$1`);
}

/**
 * Returns the scripts that the first script imports, directly or indirectly. The page lists them, so that the browser
 * fetches them at once.
 */
function importedScripts(outputs, entry) {
  const found = new Set();
  const follow = (path) => {
    for (const { path: imported, kind } of outputs[path]?.imports ?? []) {
      if (kind !== "import-statement" || found.has(imported)) continue;
      found.add(imported);
      follow(imported);
    }
  };
  follow(entry);
  return [...found];
}

/**
 * Bundles and compresses.
 * @param {{ root: string, esbuild: import("esbuild") }} options `root` the checkout
 * @returns {Promise<{ files: Map<string, Uint8Array>, packages: Set<string> }>} contents by path below
 *   `dist/app/dashboard`, and the folders of the packages in them
 */
export async function buildPages({ root, esbuild }) {
  const folder = join(root, "dashboard");
  const oxcPackage = join(root, "node_modules/oxc-minify/package.json");
  const oxcVersion = (await loadOxc()) === null ? "" : JSON.parse(readFileSync(oxcPackage, "utf8")).version;
  const shared = {
    absWorkingDir: root,
    write: false,
    bundle: true,
    minify: true,
    metafile: true,
    target: BROWSERS,
    outdir: join(root, "out"),
    logLevel: "silent",
    legalComments: "none",
  };
  const [scripts, styles] = await Promise.all([
    esbuild.build({
      ...shared,
      entryPoints: ["dashboard/main.tsx"],
      format: "esm",
      splitting: true,
      platform: "browser",
      jsx: "automatic",
      jsxImportSource: "preact",
      mainFields: ["module", "main"],
      define: { "process.env.NODE_ENV": '"production"' },
      // Oxc minifies the scripts after esbuild has hashed them. So its version is made part of the hash.
      footer: { js: `/* ${oxcVersion} */` },
      entryNames: "assets/[name]-[hash]",
      chunkNames: "assets/[name]-[hash]",
    }),
    esbuild.build({
      ...shared,
      stdin: {
        contents: styleSheets(folder)
          .map((path) => `@import "./${path}";`)
          .join("\n"),
        resolveDir: folder,
        sourcefile: "style.css",
        loader: "css",
      },
    }),
  ]);

  const files = new Map();
  for (const { path, text } of scripts.outputFiles)
    files.set(`assets/${basename(path)}`, await minified(basename(path), text));
  const add = (name, content) => {
    const path = `assets/${hashedName(name, content)}`;
    files.set(path, content);
    return path;
  };
  const style = add("style.css", styles.outputFiles[0].contents);
  const icon = add("icon.svg", readFileSync(join(folder, "icon.svg")));

  const { outputs } = scripts.metafile;
  const entry = Object.keys(outputs).find((path) => outputs[path].entryPoint === "dashboard/main.tsx");
  const preloads = importedScripts(outputs, entry).map((path) => `assets/${basename(path)}`);
  const page = readFileSync(join(folder, "index.html"), "utf8")
    .replace("{{icon}}", `/${icon}`)
    .replace("{{style}}", `/${style}`)
    .replace("{{preloads}}", preloads.map((path) => `<link rel="modulepreload" href="/${path}" />`).join("\n    "))
    .replace("{{script}}", `/assets/${basename(entry)}`);
  files.set("index.html", Buffer.from(page));

  const packages = new Set([scripts, styles].flatMap(({ metafile }) => [...bundledFolders(metafile)]));
  return { files: new Map([...files, ...(await compressed(files))]), packages };
}
