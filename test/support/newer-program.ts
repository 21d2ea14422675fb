/**
 * Makes a copy of the built server with a newer apply version. The copy is beside the built server, because it finds
 * its packages from there.
 */
import { cpSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { APPLY_VERSION } from "../../schemas/version.js";
import type { Owner } from "./server-process.js";

/** This file runs from dist/tree/test/support. */
const APP = fileURLToPath(new URL("../../../app", import.meta.url));

/** Returns the path of a program whose apply version is higher by one. */
export function makeNewerProgram(t: Owner): string {
  const copy = mkdtempSync(`${APP}-newer-`);
  t.teardown(() => rmSync(copy, { recursive: true, force: true }));
  cpSync(APP, copy, { recursive: true });
  let changed = 0;
  for (const name of readdirSync(copy, { recursive: true, encoding: "utf8" })) {
    if (!name.endsWith(".js")) continue;
    const path = join(copy, name);
    const text = readFileSync(path, "utf8");
    const newer = text.replaceAll(`APPLY_VERSION=${APPLY_VERSION};`, `APPLY_VERSION=${APPLY_VERSION + 1};`);
    if (newer === text) continue;
    writeFileSync(path, newer);
    changed += 1;
  }
  if (changed === 0) throw new Error("the built program does not say which commands it has");
  return join(copy, "src/main.js");
}
