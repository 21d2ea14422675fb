/**
 * Runs several test files in this process, one after the other, each as a subtest of the root. The start of a process
 * and the loading of the packages take longer than most tests without a server. The seeds of each file are those that it
 * has in a process of its own. Run: `node dist/tree/test/support/several-files.js FILE...`.
 */
import "./every-file.js";
import { relative, resolve, sep } from "node:path";
import { fileURLToPath, pathToFileURL } from "node:url";
import type { Test } from "tap";
import { beginFile } from "./random.js";

/** This file runs from dist/tree/test/support. */
const TREE = fileURLToPath(new URL("../../", import.meta.url));

// tap puts the arguments into the names of the folders that it makes, which would be too long.
const files = process.argv.splice(2).map((path) => resolve(path));
/** The module of the build (deploy/build-libraries.mjs). */
const tap = (await import("tap")) as typeof import("tap") & { readonly setCurrentTest: (test: Test) => void };
const { default: root, setCurrentTest } = tap;

for (const file of files)
  await root.test(relative(TREE, file).split(sep).join("/"), async (t) => {
    setCurrentTest(t);
    beginFile(file);
    await import(pathToFileURL(file).href);
  });
