/** Tests what an installation keeps of the packages with native code, on a tree of files like theirs. */
import { existsSync, readFileSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import t, { type Test } from "tap";
import { waysOf } from "../src/platform/store/sqlite/choice.js";

interface NativePackages {
  readonly compareSystem: (modules: string) => "none" | "other" | "fresh";
  readonly removeNativePackages: (modules: string) => void;
  readonly fitPackages: (modules: string) => Promise<void>;
}

// This file runs from dist/tree/test.
const MODULE = new URL("../../../deploy/native-packages.mjs", import.meta.url);
const { compareSystem, fitPackages, removeNativePackages } = (await import(MODULE.href)) as NativePackages;

const { platform, arch, versions } = process;
const OWN_UWS = `uws_${platform}_${arch}_${versions.modules}.node`;
const OWN_PORT = join("prebuilds", `${platform}-${arch}`);
/** The program's own rule: nothing may need what an installation removes. */
const HAS_OWN_SQLITE = waysOf(versions.node).includes("node:sqlite");

/** The files of a package beside its binary that a program loads. */
const library = () => ({ "package.json": "{}", lib: { "index.js": "" } });
const prebuilt = () => ({ "x+sqlite.glibc.node": "glibc", "x+sqlite.musl.node": "musl" });

function makeModules(t: Test): string {
  return t.testdir({
    "uWebSockets.js": {
      ...library(),
      "uws_plan9_x64_115.node": "",
      [`uws_${platform}_${arch}_1.node`]: "",
      [OWN_UWS]: "binary",
      docs: { "index.html": "" },
    },
    "@photostructure": {
      sqlite: {
        ...library(),
        prebuilds: { [`${platform}-${arch}`]: prebuilt(), "plan9-x64": prebuilt() },
        src: { upstream: { "sqlite3.c": "" } },
      },
    },
    "better-sqlite3": {
      ...library(),
      deps: { sqlite3: { "sqlite3.c": "" } },
      src: { "better_sqlite3.cpp": "" },
      build: { Makefile: "", Release: { "better_sqlite3.node": "binary", "obj.target": { "sqlite3.o": "" } } },
    },
    another: library(),
  });
}

function filesOf(folder: string): string[] {
  return readdirSync(folder, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath, entry.name).slice(folder.length + 1))
    .toSorted();
}

t.test("files that this system loads stay, and those of others are removed", async (t) => {
  const modules = makeModules(t);
  t.equal(compareSystem(modules), "none");
  await fitPackages(modules);
  t.equal(compareSystem(modules), "fresh");
  const loaded = [join("lib", "index.js"), "package.json"];
  t.same(filesOf(join(modules, "uWebSockets.js")), [...loaded, OWN_UWS]);
  const port = filesOf(join(modules, "@photostructure/sqlite"));
  t.equal(port.length, loaded.length + 1, port.join(", "));
  t.ok(
    port.some((path) => path.startsWith(OWN_PORT)),
    "of the port the binary for this system's C library stays",
  );
  const built = HAS_OWN_SQLITE ? [] : [join("build", "Release", "better_sqlite3.node")];
  t.same(filesOf(join(modules, "better-sqlite3")), [...built, ...loaded]);
  t.same(filesOf(join(modules, "another")), loaded);

  await fitPackages(modules);
  t.equal(compareSystem(modules), "fresh", "a second time changes nothing");
  t.ok(existsSync(join(modules, "uWebSockets.js", OWN_UWS)));
});

t.test("another system's packages, and missing files, are noticed", async (t) => {
  const modules = makeModules(t);
  await fitPackages(modules);
  const stamp = join(modules, ".koor-system");
  const written = readFileSync(stamp, "utf8");
  writeFileSync(stamp, written.replace(/-\d+\n/, "-1\n"));
  t.equal(compareSystem(modules), "other", "another kind of Node");
  writeFileSync(stamp, written);
  t.equal(compareSystem(modules), "fresh");
  rmSync(join(modules, "uWebSockets.js"), { recursive: true });
  t.equal(compareSystem(modules), "other", "a package that was removed");
  removeNativePackages(modules);
  t.equal(compareSystem(modules), "none", "and the record does not count while they are installed again");
  t.same(readdirSync(modules).toSorted(), ["@photostructure", "another"]);
});

t.test("the packages of this checkout are as an installation leaves them", (t) => {
  const modules = fileURLToPath(new URL("../../../node_modules", import.meta.url));
  t.equal(compareSystem(modules), "fresh");
  t.end();
});
