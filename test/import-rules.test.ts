/**
 * Checks the structure of the system: imports keep to the table (import-rules/table.ts), there are no cycles, no
 * barrels and no empty names, and programs load only what `npm start` installs. Reads the sources, not the build. Each
 * rule is first shown to find a file that breaks it.
 */
import { readFileSync, readdirSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import t from "tap";
import { findBreaches, listPackages } from "./import-rules/check.js";
import { CLI, CLIENT, FEATURES, LAYERS, PAGES, RESERVED, VIEWS_APART, WORDS } from "./import-rules/table.js";

// This file runs from dist/tree/test.
const ROOT = fileURLToPath(new URL("../../../", import.meta.url));
const FOLDERS = ["src", "workers", "schemas", "shared", "cli", "clients", "dashboard", "bench", "test"];

function readSources(): Map<string, string> {
  const sources = new Map<string, string>();
  for (const folder of FOLDERS) {
    for (const name of readdirSync(join(ROOT, folder), { recursive: true, encoding: "utf8" })) {
      const path = `${folder}/${name.replaceAll("\\", "/")}`;
      if (/\.tsx?$/.test(path)) sources.set(path, readFileSync(join(ROOT, path), "utf8"));
    }
  }
  return sources;
}

const sources = readSources();

t.test("the sources keep the rules", (t) => {
  t.ok(sources.size > 10, "sources were found");
  t.same(findBreaches(sources), [], "every import is allowed");
  t.end();
});

t.test("programs import only what `npm start` installs", (t) => {
  interface Manifest {
    readonly dependencies: Record<string, string>;
    readonly optionalDependencies: Record<string, string>;
    readonly devDependencies: Record<string, string>;
  }
  const readManifest = (path: string): Manifest => JSON.parse(readFileSync(join(ROOT, path), "utf8")) as Manifest;
  const manifest = readManifest("package.json");
  const bundled = readManifest("deploy/bundled/package.json");
  const forPrograms = {
    ...manifest.dependencies,
    ...manifest.optionalDependencies,
    ...bundled.dependencies,
    ...bundled.optionalDependencies,
  };
  const atRunTime = new Set(Object.keys(forPrograms));
  const inTests = new Set([...atRunTime, ...Object.keys(manifest.devDependencies)]);
  const missing: string[] = [];
  for (const [path, text] of sources) {
    const allowed = path.endsWith(".test.ts") || /^(test|bench)\//.test(path) ? inTests : atRunTime;
    for (const name of listPackages(path, text)) if (!allowed.has(name)) missing.push(`${path} imports ${name}`);
  }
  t.same(
    missing,
    [],
    "each package is in package.json or deploy/bundled/package.json, and those of the programs are no development packages",
  );
  for (const [name, version] of Object.entries({ ...forPrograms, ...manifest.devDependencies })) {
    t.match(version, /^(npm:(@[\w.-]+\/)?[\w.-]+@)?\d+\.\d+\.\d+(-[\w.-]+)?$/, `${name} has an exact version`);
  }
  t.end();
});

/** Files that break a rule, each with a word of the message. */
const BREACHES: readonly (readonly [path: string, text: string, says: RegExp])[] = [
  ["schemas/a.ts", `import "node:fs";`, /load the schemas/],
  ["schemas/a.ts", `import type { B } from "../src/base/b.js";`, /load the schemas/],
  ["shared/a.ts", `import "node:fs";`, /in the browser/],
  ["shared/a.ts", `import "../src/base/b.js";`, /in the browser/],
  ["schemas/a.ts", `import "../shared/pure.js";`, /load the schemas/],
  ["cli/a.ts", `import "../src/base/b.js";`, /one small bundle/],
  ["src/base/a.ts", `import "../platform/store/pure.js";`, /depend on no feature/],
  ["src/base/a.ts", `export { a } from "../features/state/pure.js"; export const b = 1;`, /depend on no feature/],
  ["src/platform/outbound/a.ts", `import "../../features/state/pure.js";`, /independent of the features/],
  ["src/cluster/log/a.ts", `import "../../platform/store/pure.js";`, /keeps entries in order/],
  [
    "src/platform/threads/a.ts",
    `import type { LogError } from "../../cluster/log/ordered-log.js";`,
    /only the cluster reads/,
  ],
  ["src/server.ts", `import "./cluster/node.js";`, /only on a node of a cluster/],
  ["src/server.ts", `import "./cluster/snapshot-thread.js";`, /only the owner of a snapshot/],
  ["src/platform/store/a.ts", `import "../threads/pure.js";`, /features define what the files contain/],
  ["src/platform/rpc/a.ts", `import type { A } from "../threads/pure.js";`, /is a protocol/],
  ["src/platform/background/a.ts", `import "../../features/state/pure.js";`, /by their interface only/],
  ["src/platform/transport/a.ts", `import "../front/pure.js";`, /depends on no route/],
  ["src/platform/threads/a.ts", `import "../../features/state/pure.js";`, /which the features contain/],
  ["src/platform/front/a.ts", `import "../../features/state/pure.js";`, /depends on no feature/],
  ...FEATURES.map((feature): readonly [string, string, RegExp] => [
    `src/features/${feature}/a.ts`,
    `import "../../methods.js";`,
    new RegExp(`${feature} may not import those after it`),
  ]),
  ["src/features/state/a.ts", `import "../specs/pure.js";`, /state may not import those after it/],
  ["src/features/state/a.ts", `import "../../cluster/pure.js";`, /state may not import those after it/],
  ["src/cluster/a.ts", `import "../methods.js";`, /no feature depends on the cluster/],
  ["src/methods.ts", `import "./server.js";`, /no higher layer/],
  ["src/composition/a.ts", `import "../../workers/pool/main.js";`, /no package and no worker/],
  ["src/composition/a.ts", `import "../server.js";`, /no package and no worker/],
  ["src/server.ts", `import "../workers/pool/main.js";`, /starts and stops all lower layers/],
  ["src/main.ts", `import "../workers/pool/main.js";`, /before it loads the server/],
  ["workers/pool/a.ts", `import "clipanion";`, /has a few lines/],
  ["src/features/events/a.ts", `import { App } from "uWebSockets.js";`, /only this folder imports the HTTP library/],
  ["src/platform/front/a.ts", `import "../transport/uws/pure.js";`, /one file chooses/],
  ["src/platform/threads/a.ts", `import type Database from "better-sqlite3";`, /only the adapter/],
  ["src/platform/threads/a.ts", `const m = await import("piscina");`, /the pool's own queue/],
  ["src/features/contracts/a.ts", `import { RE2JS } from "re2js";`, /within the limits/],
  ["src/features/telemetry/a.ts", `import { trace } from "@opentelemetry/api";`, /OpenTelemetry are large/],
  ["src/features/telemetry/exporter.ts", `import "./otlp.js";`, /the front does not load/],
  ["src/features/sessions/a.ts", `import { hash } from "node:crypto";`, /when it is needed/],
  ["src/platform/transport/node/a.ts", `import { createServer } from "node:http";`, /without its names/],
  ["src/platform/front/a.ts", `import { Compile } from "typebox/compile";`, /a bundle of its own/],
  ["src/platform/outbound/a.ts", `import { request } from "undici";`, /only this file sends requests/],
  ["src/features/mcp/routes.ts", `import { Server } from "@modelcontextprotocol/server";`, /is large/],
  ["src/features/state/commands.ts", `import "../../platform/front/pure.js";`, /run on any thread/],
  ["src/features/specs/a.ts", `import "../state/routes.js";`, /puts the routes together/],
  ["src/features/state/a.ts", `import "../../methods.js";`, /only the programs need/],
  ["workers/pool/a.ts", `import "../../src/main.js";`, /is run, not imported/],
  ["src/features/state/pure.ts", `import "./pure.test.js";`, /runs it/],
  ["src/features/state/pure.ts", `port.postMessage([]);`, /share a message/],
  ["src/features/state/pure.ts", `new MessageChannel();`, /uses a MessagePort/],
  ["src/features/state/pure.ts", `import "./gone.js";`, /does not exist/],
  ["src/features/state/index.ts", `export const a = 1;`, /a barrel/],
  ["src/features/state/all.ts", `export * from "./pure.js";`, /a barrel/],
  ["src/features/state/key-utils.ts", `export const a = 1;`, /named "utils"/],
  ["dashboard/base/a.ts", `import "../api/client.js";`, /depends neither on the server/],
  ["dashboard/api/a.ts", `import "preact";`, /draws nothing/],
  ["dashboard/api/a.ts", `import "../../src/base/b.js";`, /draws nothing/],
  ["dashboard/parts/a.tsx", `import "../views/state/view.js";`, /imports no view/],
  ["dashboard/versioned/a.tsx", `import "../views/state/view.js";`, /imports neither view/],
  ["dashboard/views/specs/a.tsx", `import "../../app/app.js";`, /does not depend on the page/],
  ["dashboard/views/specs/a.tsx", `import "../state/view.js";`, /code that two views need is a part/],
  ["dashboard/views.ts", `import "./app/app.js";`, /no higher layer/],
  ["dashboard/app/a.ts", `import "../main.js";`, /from their table/],
  ["dashboard/docs/a.ts", `import "../api/client.js";`, /pages of the documents/],
  ["dashboard/main.tsx", `import "diff";`, /draws the frame/],
  ["clients/typescript/a.ts", `import "../../shared/pure.js";`, /runs in Node, Deno, Bun/],
  ["clients/typescript/a.ts", `import "node:fs";`, /depends on no package/],
  ["src/nowhere/a.ts", `export const a = 1;`, /is in no layer/],
];

const INNOCENT = [
  "shared/pure.ts",
  "src/base/b.ts",
  "src/platform/store/pure.ts",
  "src/platform/threads/pure.ts",
  "src/platform/front/pure.ts",
  "src/platform/transport/uws/pure.ts",
  "src/features/state/pure.ts",
  "src/features/state/pure.test.ts",
  "src/features/state/routes.ts",
  "src/features/specs/pure.ts",
  "dashboard/api/client.ts",
  "dashboard/views/state/view.tsx",
  "dashboard/app/app.tsx",
  "src/methods.ts",
  "src/server.ts",
  "src/main.ts",
  "workers/pool/main.ts",
];

t.test("each rule finds a file that breaks it", (t) => {
  const innocent = new Map(INNOCENT.map((path) => [path, "export const a = 1;"]));
  t.same(findBreaches(innocent), [], "a file without imports breaks no rule");
  const all: string[] = [];
  for (const [path, text, says] of BREACHES) {
    const breaches = findBreaches(new Map([...innocent, [path, text]]));
    t.match(breaches.join("\n"), says, `${path}: ${text}`);
    all.push(...breaches);
  }
  for (const because of [
    ...[...LAYERS, CLI, CLIENT, ...PAGES, ...RESERVED, ...WORDS].map((row) => row.because),
    VIEWS_APART,
  ]) {
    t.ok(
      all.some((breach) => breach.includes(because)),
      `a file of the list breaks this rule: ${because}`,
    );
  }
  const downward = new Map([
    ...innocent,
    ["src/features/specs/routes.ts", `import "../state/pure.js"; import "../../platform/front/pure.js";`],
  ]);
  t.same(findBreaches(downward), [], "a file may use lower layers");
  const common = new Map([
    ...innocent,
    ["schemas/a.ts", `export const a = 1;`],
    ["shared/a.ts", `import "../schemas/a.js"; import "./pure.js";`],
    ...["src/base/a.ts", "cli/a.ts", "dashboard/base/a.ts"].map((path): [string, string] => [
      path,
      `import "${path.startsWith("cli/") ? ".." : "../.."}/shared/pure.js";`,
    ]),
  ]);
  t.same(findBreaches(common), [], "server, command line and pages may use what is shared");
  const circle = new Map([
    ...innocent,
    ["src/features/state/pure.ts", `import "./keys.js";`],
    ["src/features/state/keys.ts", `import type { A } from "./pure.js";`],
  ]);
  t.match(findBreaches(circle), [
    /src\/features\/state\/pure\.ts → src\/features\/state\/keys\.ts → src\/features\/state\/pure\.ts is a cycle/,
  ]);
  t.end();
});
