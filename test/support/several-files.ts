/**
 * Runs several test files in this process, one after the other, each as a subtest of the root. This saves time, because
 * the start of a process and the loading of packages take longer than most tests without a server. Each file gets the
 * same seeds as in its own process. Run: `node dist/tree/test/support/several-files.js FILE...`.
 */
import { relative, resolve, sep } from "node:path";
import { fileURLToPath, pathToFileURL } from "node:url";
import type * as tapModule from "tap";
import { FILE_TIMEOUT_S } from "./every-file.js";
import { beginFile } from "./random.js";

/** The tap module that the build makes (deploy/build-libraries.mjs). */
type SharedTap = typeof tapModule & { readonly setCurrentTest: (test: tapModule.Test) => void };

/** This file runs from dist/tree/test/support. */
const TREE = fileURLToPath(new URL("../../", import.meta.url));

// The arguments are removed, because tap would put them into the names of its folders, and the names would be too long.
const files = process.argv.splice(2).map((path) => resolve(path));
const { default: root, setCurrentTest } = (await import("tap")) as SharedTap;
root.setTimeout(FILE_TIMEOUT_S * 1000 * files.length);

for (const file of files)
  await root.test(relative(TREE, file).split(sep).join("/"), { timeout: FILE_TIMEOUT_S * 1000 }, async (t) => {
    setCurrentTest(t);
    beginFile(file);
    await import(pathToFileURL(file).href);
  });
