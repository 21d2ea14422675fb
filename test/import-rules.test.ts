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
import { LAYERS, RESERVED, WORDS } from "./import-rules/table.js";

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
    t.match(version, /^(npm:(@[\w.-]+\/)?[\w.-]+@)?\d+\.\d+\.\d+(-[\w.-]+)?$/, `${name} is pinned`);
  }
  t.end();
});

/** Files that break a rule, and a word of the message. */
const BREACHES: readonly (readonly [path: string, text: string, says: RegExp])[] = [
  ["schemas/a.ts", `import "node:fs";`, /all of these load/],
  ["schemas/a.ts", `import type { B } from "../src/base/b.js";`, /all of these load/],
  ["cli/a.ts", `import "../src/base/b.js";`, /one small bundle/],
  ["workers/pool/a.ts", `import "clipanion";`, /programs of their own/],
  ["src/base/log.ts", `import "../state/pure.js";`, /the log is a leaf/],
  ["src/base/json-number.ts", `import "../state/pure.js";`, /digit by digit/],
  ["src/base/a.ts", `import pino from "pino";`, /leaves without state/],
  ["src/base/a.ts", `export { a } from "../state/pure.js"; export const b = 1;`, /leaves without state/],
  ["src/config/a.ts", `import "../state/pure.js";`, /before anything else/],
  ["src/rpc/pool.ts", `import "../state/pure.js";`, /ends of the two lanes/],
  ["src/rpc/a.ts", `import "../state/pure.js";`, /not the features/],
  ["src/store/read-context.ts", `import "../state/jobs.js";`, /gathers the tables/],
  ["src/store/a.ts", `import "../front/pipeline.js";`, /features' business/],
  ["src/state/table.ts", `import "../front/pipeline.js";`, /rows, not requests/],
  ["src/state/commands.ts", `import "../events/commands.js";`, /writer's transaction/],
  ["src/state/commands.ts", `import "better-sqlite3";`, /writer's transaction/],
  ["src/state/jobs.ts", `import "../rpc/port.js";`, /read-only context/],
  ["src/webhooks/outbox.ts", `import "../events/hub.js";`, /event's own transaction/],
  ["src/webhooks/delivery.ts", `import "../rpc/client.js";`, /leave by the one door/],
  ["src/jobs.ts", `import "./events/commands.js";`, /names each/],
  ["src/metrics/routes.ts", `import "../state/pure.js";`, /what each part counts/],
  ["src/mcp/pure.ts", `import "../rpc/client.js";`, /another way to the routes/],
  ["src/mcp/routes.ts", `import { Server } from "@modelcontextprotocol/server";`, /library is large/],
  ["src/state/routes.ts", `import "../../workers/pool/main.js";`, /not sockets, SQLite or threads/],
  ["src/outbound/a.ts", `import "../state/pure.js";`, /nothing of whom it serves/],
  ["src/compliance/jobs.ts", `import "../contracts/routes.js";`, /what everybody else asks/],
  ["src/compliance/monitor.ts", `import "../instances/directory.js";`, /hands work to the pool/],
  ["src/contracts/stored.ts", `import "../specs/pure.js";`, /the context that a job is given/],
  ["src/contracts/json-schema.ts", `import "../state/pure.js";`, /libraries of JSON Schema/],
  ["src/webhooks/routes.ts", `import { request } from "undici";`, /there is one door/],
  ["src/versioned/front.ts", `import "../state/pure.js";`, /several routes share/],
  ["src/rules/pattern.ts", `import "./table.js";`, /engine behind bounds/],
  ["src/templates/commands.ts", `import "../specs/commands.js";`, /in one transaction/],
  ["src/templates/template.ts", `import "../rules/pattern.js";`, /as any rules are/],
  ["src/templates/jobs.ts", `import "../rules/rule-sets.js";`, /before it is stored/],
  ["src/templates/jobs.ts", `import { RE2JS } from "re2js";`, /without its bounds/],
  ["src/rules/front.ts", `import "../state/pure.js";`, /several routes share/],
  ["src/instances/liveness.ts", `import "../state/pure.js";`, /through the writer only/],
  ["src/backup/kinds/a.ts", `import "../../front/pipeline.js";`, /knows its tables from end to end/],
  ["src/backup/routes.ts", `import "../state/pure.js";`, /threads of its own/],
  ["src/backup/restore.ts", `import "../state/pure.js";`, /a restore runs on the front/],
  ["src/events/hub.ts", `import "../state/pure.js";`, /live feed runs/],
  ["src/front/pipeline.ts", `import "../state/pure.js";`, /knows no feature/],
  ["src/main.ts", `import "./state/pure.js";`, /before it loads the server/],
  ["src/native-libraries.ts", `import "./state/pure.js";`, /native libraries load/],
  ["src/lanes.ts", `import "./state/pure.js";`, /threads, queues and handles/],
  ["src/server.ts", `import "../workers/pool/main.js";`, /given their addresses/],
  ["src/state/pure.ts", `import "../events/hub.js";`, /none of the kinds above is pure/],
  ["src/state/routes.ts", `import { App } from "uWebSockets.js";`, /only the transport/],
  ["src/state/routes.ts", `import type Database from "better-sqlite3";`, /storage seam/],
  ["src/state/routes.ts", `const m = await import("piscina");`, /whichever library/],
  ["src/state/routes.ts", `import "../rpc/port.js";`, /two ends of a channel/],
  ["src/state/routes.ts", `import { type A, b } from "./table.js";`, /handle was handed out/],
  ["src/state/routes.ts", `import "./commands.js";`, /a command runs in the writer;/],
  ["src/state/routes.ts", `import "./jobs.js";`, /a job runs in the pool;/],
  ["src/state/routes.ts", `import "../jobs.js";`, /RPC decides/],
  ["src/state/pure.ts", `import "./routes.js";`, /meet in the route table/],
  ["src/state/pure.ts", `type A = import("../server.js").Server;`, /nobody may know it/],
  ["workers/pool/a.ts", `import "../../src/main.js";`, /is run, not imported/],
  ["src/state/pure.ts", `import "./pure.test.js";`, /runs it/],
  ["src/state/pure.ts", `port.postMessage([]);`, /travel together/],
  ["src/state/pure.ts", `new MessageChannel();`, /touches a MessagePort/],
  ["src/state/pure.ts", `import "./gone.js";`, /does not exist/],
  ["src/state/index.ts", `export const a = 1;`, /a barrel/],
  ["src/state/all.ts", `export * from "./pure.js";`, /a barrel/],
  ["src/state/key-utils.ts", `export const a = 1;`, /named "utils"/],
  ["lib/a.ts", `export const a = 1;`, /no row in LAYERS/],
];

const INNOCENT = [
  "src/base/b.ts",
  "src/state/pure.ts",
  "src/state/pure.test.ts",
  "src/state/routes.ts",
  "src/state/table.ts",
  "src/state/commands.ts",
  "src/state/jobs.ts",
  "src/events/commands.ts",
  "src/events/hub.ts",
  "src/front/pipeline.ts",
  "src/rpc/port.ts",
  "src/main.ts",
  "src/server.ts",
  "src/jobs.ts",
  "workers/pool/main.ts",
];

t.test("each rule catches what breaks it", (t) => {
  const innocent = new Map(INNOCENT.map((path) => [path, "export const a = 1;"]));
  t.same(findBreaches(innocent), [], "files without imports break nothing");
  const all: string[] = [];
  for (const [path, text, says] of BREACHES) {
    const breaches = findBreaches(new Map([...innocent, [path, text]]));
    t.match(breaches.join("\n"), says, `${path}: ${text}`);
    all.push(...breaches);
  }
  for (const row of [...LAYERS, ...RESERVED, ...WORDS]) {
    if ("may" in row && row.may.includes("**")) continue;
    t.ok(
      all.some((breach) => breach.includes(row.because)),
      `a breach is known for: ${row.because}`,
    );
  }
  const types = new Map([...innocent, ["src/state/routes.ts", `import type { A } from "./table.js";`]]);
  t.same(findBreaches(types), [], "types of a table are free");
  const circle = new Map([
    ...innocent,
    ["src/state/pure.ts", `import "./keys.js";`],
    ["src/state/keys.ts", `import type { A } from "./pure.js";`],
  ]);
  t.match(findBreaches(circle), [/src\/state\/pure\.ts → src\/state\/keys\.ts → src\/state\/pure\.ts is a cycle/]);
  t.end();
});
