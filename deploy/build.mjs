/**
 * Builds the programs and test files from the TypeScript sources. If nothing has changed, it finishes at once. There
 * are three outputs. `dist/tree` contains every file, transpiled, at its own path (build-tree.mjs). `dist/client`
 * contains the client library (build-client.mjs). `dist/app` contains the programs (build-programs.mjs), the
 * dashboard's pages (build-pages.mjs) and the documents (build-docs.mjs). Types are checked by `npm run types`, and not
 * here. This file finds out which outputs are stale, because esbuild cannot do it. A full build takes 4 s, an unchanged
 * one 0.2 s. Run: `node deploy/build.mjs [--programs]`; the flag leaves out `dist/tree`.
 */
import { existsSync } from "node:fs";
import { join, relative } from "node:path";
import { buildClient, CLIENT_FOLDER, isClientFresh } from "./build-client.mjs";
import { buildDocs } from "./build-docs.mjs";
import {
  isTest,
  listFiles,
  listSources,
  readIfThere,
  removeAllBut,
  ROOT,
  stampLine,
  stampOf,
  writeWhole,
} from "./build-files.mjs";
import { buildPages } from "./build-pages.mjs";
import { APP, areProgramsFresh, buildProgram, PROGRAMS } from "./build-programs.mjs";
import { buildTree, isTreeStale, removeOrphans } from "./build-tree.mjs";
import { isRunAsProgram } from "./run-as-program.mjs";
import { thirdPartyNotices } from "./third-party.mjs";

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
  "deploy/build-files.mjs",
  "deploy/build-libraries.mjs",
  "deploy/build-pages.mjs",
  "deploy/build-programs.mjs",
  "deploy/build-target.mjs",
  "deploy/build-tree.mjs",
  "deploy/cli-parts.mjs",
  "deploy/compress.mjs",
  "deploy/render-markdown.mjs",
  "deploy/third-party.mjs",
  "package.json",
  "package-lock.json",
  "tsconfig.json",
];

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
  const treeStale = tree && isTreeStale(now.sources, now.inputsStamp);
  const appStale = !existsSync(NOTICES) || !areProgramsFresh(now.appStamp);
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

if (isRunAsProgram(import.meta.url)) {
  const built = await build({ tree: !process.argv.includes("--programs") });
  process.exitCode = built ? 0 : 1;
}
