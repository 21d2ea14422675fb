/**
 * Keeps the shape of the system: who may import what (import-rules/table.ts), no cycles, no barrels, no
 * empty names, nothing at run time that `npm start` does not install. Runs over the sources, not over the
 * build; each rule is first shown to catch a file that breaks it.
 */
import { readFileSync, readdirSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import t from "tap";
import { findBreaches, listPackages } from "./import-rules/check.js";

// This file runs from dist/tree/test.
const ROOT = fileURLToPath(new URL("../../../", import.meta.url));
const FOLDERS = ["src", "workers", "schemas", "cli", "bench", "test"];

function readSources(): Map<string, string> {
  const sources = new Map<string, string>();
  for (const folder of FOLDERS) {
    for (const name of readdirSync(join(ROOT, folder), { recursive: true, encoding: "utf8" })) {
      const path = `${folder}/${name.replaceAll("\\", "/")}`;
      if (path.endsWith(".ts")) sources.set(path, readFileSync(join(ROOT, path), "utf8"));
    }
  }
  return sources;
}

const sources = readSources();

t.test("the sources keep the rules", (t) => {
  t.ok(sources.size > 10, "sources were found");
  t.same(findBreaches(sources), [], "no file imports what it may not");
  t.end();
});

t.test("programs import only what `npm start` installs", (t) => {
  const manifest = JSON.parse(readFileSync(join(ROOT, "package.json"), "utf8")) as {
    dependencies: Record<string, string>;
    devDependencies: Record<string, string>;
  };
  const atRunTime = new Set(Object.keys(manifest.dependencies));
  const inTests = new Set([...atRunTime, ...Object.keys(manifest.devDependencies)]);
  const missing: string[] = [];
  for (const [path, text] of sources) {
    const allowed = path.endsWith(".test.ts") || /^(test|bench)\//.test(path) ? inTests : atRunTime;
    for (const name of listPackages(path, text)) if (!allowed.has(name)) missing.push(`${path} imports ${name}`);
  }
  t.same(missing, [], "each package is in package.json, and those of the programs are not for development only");
  for (const [name, version] of Object.entries({ ...manifest.dependencies, ...manifest.devDependencies })) {
    t.match(version, /^(npm:[\w.-]+@)?\d+\.\d+\.\d+$/, `${name} is pinned`);
  }
  t.end();
});

/** A file that breaks a rule, and what the message must say. */
const BREACHES: readonly { readonly path: string; readonly text: string; readonly says: RegExp }[] = [
  { path: "schemas/a.ts", text: `import "node:fs";`, says: /shared by the server/ },
  { path: "schemas/a.ts", text: `import type { B } from "../src/base/b.js";`, says: /shared by the server/ },
  { path: "src/base/a.ts", text: `import pino from "pino";`, says: /leaves without state/ },
  { path: "src/base/a.ts", text: `import "../state/pure.js";`, says: /leaves without state/ },
  { path: "src/config/a.ts", text: `import "../state/pure.js";`, says: /before anything else/ },
  { path: "src/rpc/a.ts", text: `import "../state/pure.js";`, says: /not the features/ },
  { path: "src/store/a.ts", text: `import "../front/pipeline.js";`, says: /features' business/ },
  { path: "src/state/table.ts", text: `import "../front/pipeline.js";`, says: /rows, not requests/ },
  { path: "src/state/commands.ts", text: `import "../events/commands.js";`, says: /writer's transaction/ },
  { path: "src/state/commands.ts", text: `import "better-sqlite3";`, says: /writer's transaction/ },
  { path: "src/state/jobs.ts", text: `import "../rpc/port.js";`, says: /read-only context/ },
  { path: "src/jobs.ts", text: `import "./events/commands.js";`, says: /names each/ },
  { path: "src/rpc/pool.ts", text: `import "../state/pure.js";`, says: /ends of the two lanes/ },
  { path: "src/store/read-context.ts", text: `import "../state/jobs.js";`, says: /gathers the tables/ },
  { path: "src/state/routes.ts", text: `import "../jobs.js";`, says: /RPC calls decide/ },
  { path: "src/state/routes.ts", text: `import "better-sqlite3";`, says: /storage seam/ },
  { path: "src/state/routes.ts", text: `import "./table.js";`, says: /behind a route's back/ },
  { path: "src/state/routes.ts", text: `import "./commands.js";`, says: /calls its method/ },
  { path: "src/state/routes.ts", text: `import "./jobs.js";`, says: /a job runs in the pool/ },
  { path: "src/state/routes.ts", text: `import "../../workers/pool/main.js";`, says: /never imports its workers/ },
  { path: "src/state/routes.ts", text: `import { App } from "uWebSockets.js";`, says: /only the transport/ },
  { path: "src/state/routes.ts", text: `const m = await import("piscina");`, says: /sent through the RPC client/ },
  { path: "src/state/routes.ts", text: `import "../rpc/port.js";`, says: /two ends of a channel/ },
  { path: "src/state/pure.ts", text: `import "./routes.js";`, says: /meet in the route table/ },
  { path: "src/state/pure.ts", text: `import "../main.js";`, says: /nobody may know it/ },
  { path: "workers/pool/main.ts", text: `import "clipanion";`, says: /programs of their own/ },
  { path: "cli/a.ts", text: `import "../src/base/b.js";`, says: /one small bundle/ },
  { path: "src/state/pure.ts", text: `import "./pure.test.js";`, says: /runs it/ },
  { path: "src/state/pure.ts", text: `import "./gone.js";`, says: /does not exist/ },
  { path: "src/state/pure.ts", text: `port.postMessage([]);`, says: /travel together/ },
  { path: "src/state/pure.ts", text: `new MessageChannel();`, says: /touches a MessagePort/ },
  { path: "src/state/index.ts", text: `export const a = 1;`, says: /a barrel/ },
  { path: "src/state/all.ts", text: `export * from "./pure.js";`, says: /a barrel/ },
  { path: "src/state/key-utils.ts", text: `export const a = 1;`, says: /named "utils"/ },
  { path: "lib/a.ts", text: `export const a = 1;`, says: /no row in LAYERS/ },
];

t.test("each rule catches what breaks it", (t) => {
  const innocent = [
    "src/base/b.ts", "src/state/pure.ts", "src/state/pure.test.ts", "src/state/routes.ts", "src/state/table.ts",
    "src/state/commands.ts", "src/state/jobs.ts", "src/events/commands.ts", "src/front/pipeline.ts", "src/rpc/port.ts",
    "src/main.ts", "src/jobs.ts", "workers/pool/main.ts",
  ];
  const base = new Map(innocent.map((path) => [path, "export const a = 1;"]));
  t.same(findBreaches(base), [], "files without imports break nothing");
  for (const { path, text, says } of BREACHES) {
    const breaches = findBreaches(new Map([...base, [path, text]]));
    t.match(breaches.join("\n"), says, `${path}: ${text}`);
  }
  const circle = new Map([...base, ["src/state/pure.ts", `import "./keys.js";`], ["src/state/keys.ts", `import type { A } from "./pure.js";`]]);
  t.match(findBreaches(circle), [/src\/state\/pure\.ts → src\/state\/keys\.ts → src\/state\/pure\.ts is a cycle/]);
  t.end();
});
