/**
 * Tests the cache of compiled code, which speeds up the next start of the program. Checks the location of the cache.
 * Also checks that the program ignores a damaged file, and a file that other users could have written. The program runs
 * from a copy, as after an installation.
 */
import { spawnSync } from "node:child_process";
import {
  chmodSync,
  cpSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  statSync,
  utimesSync,
  writeFileSync,
} from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import t, { type Test } from "tap";
import { must } from "../src/base/assert.js";
import { VERSION } from "../schemas/version.js";

/** This file runs from dist/tree/cli. */
const ROOT = fileURLToPath(new URL("../../..", import.meta.url));

interface Installed {
  readonly home: string;
  readonly program: string;
  /** The folder beside the program. The cache uses it if the user may write there. */
  readonly beside: string;
  /** Runs `koor --version`, and checks its output. */
  readonly run: (env?: Readonly<Record<string, string>>, options?: readonly string[]) => void;
}

function install(t: Test): Installed {
  const folder = t.testdir({ home: {}, package: { deploy: {}, dist: { app: {} } } });
  const root = join(folder, "package");
  cpSync(join(ROOT, "deploy", "bin"), join(root, "deploy", "bin"), { recursive: true });
  cpSync(join(ROOT, "dist", "app", "cli"), join(root, "dist", "app", "cli"), { recursive: true });
  const home = join(folder, "home");
  const program = join(root, "deploy", "bin", "koor.js");
  return {
    home,
    program,
    beside: join(root, "dist", "app", ".compile-cache"),
    run: (env = { HOME: home }, options = []) => {
      const args = [...options, program, "--version"];
      const { status, stdout, stderr } = spawnSync(process.execPath, args, { encoding: "utf8", env });
      t.match({ status, stdout, stderr }, { status: 0, stdout: `koor ${VERSION}\n`, stderr: "" });
    },
  };
}

/** Returns the only cache file below a folder; undefined if there is none. */
function cacheFile(folder: string): string | undefined {
  if (!existsSync(folder)) return undefined;
  const files = readdirSync(folder, { recursive: true, encoding: "utf8" })
    .map((name) => join(folder, name))
    .filter((path) => statSync(path).isFile());
  if (files.length > 1) throw new Error(`several files: ${files.join(", ")}`);
  return files[0];
}

/** Returns the inode number of a file. A different number means that the program has written the file again. */
function identityOf(path: string): number {
  return statSync(path).ino;
}

t.test("the code is kept beside the program, and written once", (t) => {
  const { run, beside, home } = install(t);
  run();
  const file = must(cacheFile(beside), "a cache file");
  t.equal(statSync(file).mode & 0o777, 0o600);
  const before = identityOf(file);
  run();
  t.equal(identityOf(file), before);
  t.same(readdirSync(home), []);
  t.end();
});

t.test("each part of the program is read once", (t) => {
  const { home, program } = install(t);
  // The program uses the cache only if Node runs without options. So the test counts through a script that loads the
  // program.
  const counting = `
    const fs = require("node:fs");
    const read = fs.readFileSync;
    const names = [];
    fs.readFileSync = (path, ...more) => (names.push(path), read(path, ...more));
    process.once("exit", () => fs.writeSync(2, JSON.stringify(names.filter((name) => /part-/.test(name)))));
    process.argv[1] = ${JSON.stringify(program)};
    require(process.argv[1]);`;
  const script = join(home, "counting.cjs");
  writeFileSync(script, counting);
  const args = [script, "help", "output"];
  const { stderr } = spawnSync(process.execPath, args, { encoding: "utf8", env: { HOME: home } });
  const names = JSON.parse(stderr) as readonly string[];
  t.ok(names.length > 2);
  t.same(names, [...new Set(names)]);
  t.end();
});

t.test("a command that loads the server's program works with and without compiled code", (t) => {
  const { home, program, beside } = install(t);
  const root = join(home, "..", "package");
  writeFileSync(join(root, "package.json"), '{"type":"module"}');
  mkdirSync(join(root, "dist", "app", "src"));
  const main = "export async function runServer(args) { console.log(`serves ${args.join()}`); }";
  writeFileSync(join(root, "dist", "app", "src", "main.js"), main);
  for (let at = 0; at < 3; at++) {
    const args = [program, "serve", "--bind", "localhost:0"];
    const { status, stdout, stderr } = spawnSync(process.execPath, args, { encoding: "utf8", env: { HOME: home } });
    t.same({ status, stdout, stderr }, { status: 0, stdout: "serves --bind,localhost:0\n", stderr: "" });
    t.ok(cacheFile(beside), "its code is kept");
  }
  t.end();
});

t.test("where the program's folder cannot be written, it is kept in the user's cache", (t) => {
  const { run, beside, home } = install(t);
  // Put a file in place of the folder. Removing the write permission would not stop root.
  writeFileSync(beside, "");
  run({});
  run();
  const file = must(cacheFile(join(home, ".cache", "koor")), "a cache file");
  const before = identityOf(file);
  run();
  t.equal(identityOf(file), before);
  run({ HOME: home, XDG_CACHE_HOME: join(home, "xdg") });
  t.ok(cacheFile(join(home, "xdg", "koor")), "the folder of the XDG specification");
  t.equal(statSync(beside).size, 0);
  t.end();
});

t.test("a file that is damaged, or that others could have written, is replaced", (t) => {
  const { run, beside } = install(t);
  run();
  const file = must(cacheFile(beside), "a cache file");
  const whole = readFileSync(file);
  const changes: readonly (() => void)[] = [
    () => writeFileSync(file, ""),
    () => writeFileSync(file, whole.subarray(0, whole.length >> 1)),
    () => writeFileSync(file, Buffer.alloc(whole.length)),
    ...[0, 5, whole.length >> 2, whole.length - 1].map((at) => () => {
      const damaged = Buffer.from(whole);
      damaged[at] = (damaged[at] ?? 0) ^ 16;
      writeFileSync(file, damaged);
    }),
    () => chmodSync(file, 0o620),
  ];
  for (const change of changes) {
    change();
    const before = identityOf(file);
    run();
    t.not(identityOf(file), before, "it was written again");
    t.equal(statSync(file).mode & 0o777, 0o600);
    t.ok(readFileSync(file).length > 1_000);
  }
  t.end();
});

t.test("old code of other versions is removed", (t) => {
  const { run, beside } = install(t);
  const folder = join(beside, "cli");
  const ageMs = { older: 31 * 86_400_000, newer: 29 * 86_400_000 };
  for (const [name, ms] of Object.entries(ageMs)) {
    mkdirSync(join(folder, name), { recursive: true });
    writeFileSync(join(folder, name, "status"), "");
    const at = new Date(Date.now() - ms);
    utimesSync(join(folder, name), at, at);
  }
  run();
  const left = readdirSync(folder);
  t.equal(left.length, 2);
  t.ok(left.includes("newer"));
  t.end();
});

t.test("code of another version of Node is not used, and options of Node turn the cache off", (t) => {
  const { run, beside, home } = install(t);
  mkdirSync(beside);
  run({ HOME: home, NODE_DISABLE_COMPILE_CACHE: "1" });
  run({ HOME: home, NODE_OPTIONS: "--no-warnings" });
  run({ HOME: home }, ["--stack-trace-limit=20"]);
  t.same(readdirSync(beside), []);
  run();
  t.match(must(cacheFile(beside), "a cache file"), `${process.version}-${process.arch}-`);
  t.end();
});
