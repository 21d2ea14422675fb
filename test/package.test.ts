/**
 * Tests the package of `npm pack`: two builds in two folders give the same bytes, and nothing in it names a folder of
 * the build. The published files are the ones that a user needs, and no others.
 */
import { execFile } from "node:child_process";
import { createHash } from "node:crypto";
import { chmodSync, mkdirSync, readFileSync, readdirSync } from "node:fs";
import { join } from "node:path";
import { promisify } from "node:util";
import t from "tap";
import { copyCheckout } from "./support/checkout-copy.js";
import { runNpm } from "./support/npm.js";
import { makeDirectory, type Owner } from "./support/owner.js";
import { longFormOnly } from "./support/test-size.js";

const run = promisify(execFile);
const OURS = /^(?:CHANGELOG\.md|LICENSE|README\.md|SECURITY\.md|package\.json|deploy\/|dist\/(?:app|client)\/)/;
const BUILD_OUTPUT = /^dist\//;

interface Packed {
  /** The folder in which it was built. */
  readonly folder: string;
  readonly archive: string;
  readonly sha256: string;
}

/** Builds and packs in a copy of the checkout, whose files have the modes that a umask gives them. */
async function pack(t: Owner, name: string, umask: number): Promise<Packed> {
  const home = makeDirectory(t);
  const folder = join(makeDirectory(t), name);
  await copyCheckout(folder);
  for (const path of ["README.md", "deploy/start.mjs"]) chmodSync(join(folder, path), 0o666 & ~umask);
  const before = process.umask(umask);
  await runNpm(["pack", "--silent", "--pack-destination", home], { folder, home }).finally(() => process.umask(before));
  const file = readdirSync(home).find((entry) => entry.endsWith(".tgz")) ?? "";
  const archive = join(home, file);
  return { folder, archive, sha256: createHash("sha256").update(readFileSync(archive)).digest("hex") };
}

t.test("two builds in two folders, with two umasks, give one package", { skip: longFormOnly() }, async (t) => {
  const first = await pack(t, "first", 0o022);
  const second = await pack(t, "deeper/second", 0o077);
  t.equal(second.sha256, first.sha256);

  const unpacked = join(makeDirectory(t), "unpacked");
  mkdirSync(unpacked);
  await run("tar", ["-xzf", first.archive, "-C", unpacked, "--strip-components=1"]);
  const files = readdirSync(unpacked, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath, entry.name).slice(unpacked.length + 1));
  t.same(
    files.filter((path) => !OURS.test(path)),
    [],
    "nothing else is published",
  );
  t.same(
    files.filter((path) => /\.test\.|\.compile-cache/.test(path)),
    [],
    "no tests and no caches",
  );
  for (const path of ["dist/app/THIRD-PARTY.md", "dist/app/src/main.js", "dist/client/client.d.ts", "CHANGELOG.md"])
    t.ok(files.includes(path), path);
  const naming = files.filter(
    (path) => BUILD_OUTPUT.test(path) && readFileSync(join(unpacked, path), "utf8").includes(first.folder),
  );
  t.same(naming, [], "no file names the folder of the build");
});
