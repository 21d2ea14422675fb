/**
 * Removes from `node_modules` everything that the built programs do not load: packages that are bundled into them, and
 * build tools. Used for an image, after the build. Run: `node deploy/runtime-packages.mjs`.
 */
import { existsSync, readFileSync, readdirSync, rmSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { EXTERNAL } from "./build-programs.mjs";
import { isRunAsProgram } from "./run-as-program.mjs";
import { hasOwnSqlite } from "./native-packages.mjs";

const MODULES = fileURLToPath(new URL("../node_modules", import.meta.url));
/** The packages that are needed only if Node has no built-in SQLite. */
const FOR_SQLITE = new Set(["better-sqlite3", "@photostructure/sqlite"]);

/** A package with all its installed dependencies. */
function closureOf(names) {
  const found = new Set();
  const open = [...names];
  for (let name = open.pop(); name !== undefined; name = open.pop()) {
    const manifest = join(MODULES, name, "package.json");
    if (found.has(name) || !existsSync(manifest)) continue;
    found.add(name);
    const { dependencies = {}, optionalDependencies = {} } = JSON.parse(readFileSync(manifest, "utf8"));
    open.push(...Object.keys(dependencies), ...Object.keys(optionalDependencies));
  }
  return found;
}

/** Returns the names of the installed packages. The name of a package in a scope includes the scope. */
function listPackages() {
  return readdirSync(MODULES).flatMap((name) =>
    name.startsWith("@") ? readdirSync(join(MODULES, name)).map((inner) => `${name}/${inner}`) : [name],
  );
}

if (isRunAsProgram(import.meta.url)) {
  const kept = closureOf(EXTERNAL.filter((name) => !hasOwnSqlite() || !FOR_SQLITE.has(name)));
  for (const name of listPackages()) if (!kept.has(name)) rmSync(join(MODULES, name), { recursive: true, force: true });
  process.stderr.write(`kept ${[...kept].toSorted((a, b) => a.localeCompare(b)).join(", ")}\n`);
}
