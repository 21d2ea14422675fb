/**
 * The layers of the code, from the lowest up, with the reason for each. A file belongs to the first layer whose
 * patterns match it. It may import lower layers, and its neighbours in its own folder. Checked by import-rules.test.ts;
 * this file has data only. Patterns: `*` is any run without `/`, `**` any run.
 */

/** A layer. */
export interface LayerRow {
  readonly files: readonly string[];
  /** Packages and modules of Node that its files may import. */
  readonly packages: readonly string[];
  readonly because: string;
}

/** A module that only some files may import. */
export interface ReservedRow {
  readonly target: string;
  readonly by: readonly string[];
  /** Every file may import its types, because the build erases them. */
  readonly typesFree?: true;
  readonly because: string;
}

/** The features, from the lowest layer up: a feature may import those before it, and none after it. */
export const FEATURES = [
  "versioned",
  "outbox",
  "events",
  "audit",
  "changes",
  "idempotency",
  "claims",
  "state",
  "specs",
  "rules",
  "contracts",
  "templates",
  "instances",
  "leases",
  "guard",
  "radar",
  "budgets",
  "evidence",
  "rate-limits",
  "tasks",
  "agent-sessions",
  "sessions",
  "messages",
  "story",
  "wait",
  "hooks",
  "agent-metrics",
  "usage",
  "webhooks",
  "compliance",
  "metrics",
  "telemetry",
  "backup",
  "mcp",
] as const;

export const LAYERS: readonly LayerRow[] = [
  {
    files: ["schemas/**"],
    packages: ["typebox", "typebox/*"],
    because:
      "the server, the command line, the dashboard and the documents load the schemas with everything that a schema imports",
  },
  {
    files: ["shared/**"],
    packages: [],
    because: "shared code runs in the server, in the command line and in the browser, so it depends on none of them",
  },
  {
    files: ["src/base/**"],
    packages: ["node:**", "pino", "sonic-boom", "lossless-json", "typebox", "typebox/*"],
    because: "base files depend on no feature, and run on every thread",
  },
  {
    files: ["src/platform/config/**", "src/platform/measure/**", "src/platform/topics/**", "src/platform/outbound/**"],
    packages: ["node:**", "undici"],
    because: "these modules are independent of the features that use them",
  },
  {
    files: ["src/cluster/log/**"],
    packages: ["node:**", "@nats-io/*", "pg"],
    because: "an ordered log keeps entries in order, and depends neither on their contents nor on their readers",
  },
  {
    files: ["src/platform/store/**"],
    packages: ["node:**", "better-sqlite3", "@photostructure/sqlite"],
    because: "the store opens and migrates files; the features define what the files contain",
  },
  {
    files: ["src/platform/rpc/**"],
    packages: ["node:**", "typebox"],
    because: "the RPC is a protocol that depends neither on threads nor on methods",
  },
  {
    files: ["src/platform/background/**"],
    packages: [],
    because: "the registry calls the background tasks by their interface only",
  },
  {
    files: ["src/platform/transport/**"],
    packages: ["node:**", "uWebSockets.js", "ws"],
    because: "a transport carries requests and sockets, and depends on no route",
  },
  {
    files: ["src/platform/threads/**"],
    packages: ["node:**", "typebox", "piscina"],
    because: "the threads execute methods by their declarations, which the features contain",
  },
  {
    files: ["src/platform/front/**"],
    packages: ["node:**", "typebox", "typebox/*"],
    because: "the front passes requests to routes by the route table, and depends on no feature",
  },
  ...FEATURES.map((feature) => ({
    files: [`src/features/${feature}/**`],
    packages: [
      "node:**",
      "typebox",
      "re2js",
      "ajv-formats/dist/*",
      "@modelcontextprotocol/server",
      "tinyqueue",
      "@opentelemetry/*",
    ],
    because: `a feature may import the features before it in FEATURES: ${feature} may not import those after it`,
  })),
  {
    files: ["src/cluster/**"],
    packages: ["node:**", "typebox"],
    because: "the cluster may import every feature, and no feature depends on the cluster",
  },
  {
    files: ["src/methods.ts"],
    packages: [],
    because: "the table of methods imports every feature, and no higher layer",
  },
  {
    files: ["src/composition/**"],
    packages: [],
    because: "the composition root may import every part of src, but no package and no worker",
  },
  {
    files: ["src/server.ts"],
    packages: ["node:**"],
    because: "this file starts and stops all lower layers",
  },
  {
    files: ["src/main.ts"],
    packages: ["node:**"],
    because: "the program reads the settings and reports their faults before it loads the server",
  },
  {
    files: ["workers/**"],
    packages: ["node:**"],
    because: "the entry file of a thread has a few lines, which call functions of src",
  },
];

/** The command line imports nothing of the server: only the schemas and the shared code. */
export const CLI: LayerRow = {
  files: ["cli/**"],
  packages: [
    "node:**",
    "clipanion",
    "ws",
    "typebox",
    "typebox/*",
    "diff",
    "jsonc-parser",
    "toml-eslint-parser",
    "string-width",
  ],
  because: "the command line is one small bundle that starts fast, so it contains no code of the server",
};

/** The client library imports nothing of Koor but types, which the build writes out. */
export const CLIENT: LayerRow = {
  files: ["clients/**"],
  packages: ["typebox"],
  because: "the client library runs in Node, Deno, Bun and browsers, and depends on no package",
};

/**
 * The layers of the dashboard's pages, the lowest first. The pages import nothing of the server: only the schemas and
 * the shared code. A view may not import another view.
 */
export const PAGES: readonly LayerRow[] = [
  {
    files: ["dashboard/docs/**"],
    packages: ["minisearch"],
    because: "the pages of the documents are not part of the dashboard, and have only a search",
  },
  {
    files: ["dashboard/base/**"],
    packages: ["@preact/signals"],
    because: "this code depends neither on the server nor on what is drawn",
  },
  {
    files: ["dashboard/api/**"],
    packages: ["@preact/signals", "preact/hooks", "typebox"],
    because: "this code requests data from the server and draws nothing",
  },
  {
    files: ["dashboard/parts/**"],
    packages: ["@preact/signals", "preact", "preact/hooks", "preact-iso/router", "diff"],
    because: "every view may use a part, so a part imports no view",
  },
  {
    files: ["dashboard/versioned/**"],
    packages: ["@preact/signals", "preact", "preact/hooks", "preact-iso/router"],
    because: "the code that the views of state and specs share imports neither view",
  },
  {
    files: ["dashboard/views/**"],
    packages: ["@preact/signals", "preact", "preact/hooks", "preact-iso/router"],
    because: "a view does not depend on the page that surrounds it",
  },
  {
    files: ["dashboard/views.ts"],
    packages: ["preact"],
    because: "the table of views imports each view, and no higher layer",
  },
  {
    files: ["dashboard/app/**"],
    packages: ["@preact/signals", "preact", "preact/hooks", "preact-iso/router"],
    because: "the frame gets the views from their table",
  },
  {
    files: ["dashboard/main.tsx"],
    packages: ["preact"],
    because: "the entry file of the page draws the frame",
  },
];

/** The reason why a view may not import another view. */
export const VIEWS_APART = "each view can be read, changed and removed alone; code that two views need is a part";

/** Tests and benchmarks may import everything. */
export const OUTSIDE = ["**/*.test.ts", "**/*.test.tsx", "test/**", "bench/**"];

export const RESERVED: readonly ReservedRow[] = [
  {
    target: "uWebSockets.js",
    by: ["src/platform/transport/uws/*"],
    because: "only this folder imports the HTTP library, so that the library can be replaced",
  },
  {
    target: "src/platform/transport/uws/**",
    by: ["src/platform/transport/uws/*", "src/platform/transport/choose.ts"],
    because: "one file chooses the transport",
  },
  {
    target: "src/platform/transport/node/**",
    by: ["src/platform/transport/node/*", "src/platform/transport/choose.ts"],
    because: "one file chooses the transport",
  },
  {
    target: "src/cluster/log/**",
    by: ["src/cluster/log/**", "src/cluster/**"],
    because:
      "only the cluster reads and writes the log; the threads execute calls in the same way wherever they come from",
  },
  {
    target: "src/cluster/node.ts",
    by: ["workers/writer/main.ts"],
    because: "this code is loaded only on a node of a cluster, by the program of the writer",
  },
  {
    target: "src/cluster/snapshot-thread.ts",
    by: ["src/cluster/snapshots.ts", "workers/snapshot/main.ts"],
    because: "only the owner of a snapshot starts the thread that reads it",
  },
  {
    target: "better-sqlite3",
    by: ["src/platform/store/sqlite/better-sqlite3.ts"],
    because: "only the adapter of a SQLite library imports that library",
  },
  {
    target: "piscina",
    by: ["src/platform/threads/pool.ts", "src/platform/threads/pool-batch.ts"],
    because: "every job goes through the pool's own queue, which serves callers round-robin",
  },
  {
    target: "re2js",
    by: ["src/features/rules/regex.ts"],
    because: "only this file compiles regular expressions within the limits",
  },
  {
    target: "undici",
    by: ["src/platform/outbound/client.ts"],
    because:
      "every outgoing request passes the check of addresses and has a deadline, because only this file sends requests",
  },
  {
    target: "@modelcontextprotocol/server",
    by: [
      "src/features/mcp/endpoint.ts",
      "src/features/mcp/shared-server.ts",
      "src/features/mcp/batches.ts",
      "src/features/mcp/tool-server.ts",
    ],
    because: "the library of MCP is large, so it is loaded with the first request to /mcp",
  },
  {
    target: "@opentelemetry/**",
    by: ["src/features/telemetry/otlp.ts"],
    because: "the libraries of OpenTelemetry are large, so only the thread that exports loads them",
  },
  {
    target: "src/features/telemetry/otlp.ts",
    by: ["src/features/telemetry/program.ts"],
    because: "the front does not load the libraries of OpenTelemetry: a thread of its own does, and only with --otlp",
  },
  {
    target: "node:crypto",
    by: ["cli/**", "dashboard/**"],
    typesFree: true,
    because: "it takes 5 ms of the start of each thread, so src/base/crypto.ts loads it when it is needed",
  },
  {
    target: "node:http",
    by: ["cli/**", "dashboard/**"],
    typesFree: true,
    because:
      "importing its names takes 40 ms of a start; src/platform/transport/node/http.ts loads it without its names",
  },
  {
    target: "typebox/compile",
    by: ["src/base/shape-compiler.ts"],
    because:
      "the compiler has a bundle of its own, because each start would otherwise read the code that it shares with the schemas",
  },
  {
    target: "src/platform/front/**",
    by: [
      "src/platform/front/**",
      "src/features/*/routes.ts",
      "src/features/*/front.ts",
      "src/features/*/front-*.ts",
      "src/cluster/routes.ts",
      "src/cluster/front.ts",
      "src/features/backup/restore.ts",
      "src/features/mcp/*",
      "src/composition/*",
      "src/server.ts",
    ],
    because: "only the front has requests and answers; the other files of a feature run on any thread",
  },
  {
    target: "src/**/routes.ts",
    by: ["src/composition/*"],
    because: "only the composition root puts the routes together",
  },
  {
    target: "src/methods.ts",
    by: ["src/composition/ground.ts", "src/server.ts", "workers/**"],
    because: "only the programs need the methods of all features",
  },
  {
    target: "src/main.ts",
    by: [],
    because: "a program is run, not imported",
  },
  {
    target: "**/*.test.ts",
    by: [],
    because: "importing a test runs it",
  },
];

/** Names that only some files may use. */
export const WORDS: readonly ReservedRow[] = [
  {
    target: "postMessage",
    by: [
      "src/platform/rpc/port.ts",
      "src/cluster/snapshot-thread.ts",
      "src/features/telemetry/exporter.ts",
      "src/features/telemetry/program.ts",
    ],
    because:
      "only one file sends the frames of a tick, so that they share a message and stay in order; the thread of a " +
      "snapshot sends only its result, and that of the export has one request of each kind in flight",
  },
  {
    target: "MessageChannel",
    by: ["src/platform/rpc/port.ts"],
    because: "only src/platform/rpc/port.ts uses a MessagePort",
  },
];

/** Words that say nothing about a file. */
export const EMPTY_NAMES = ["util", "utils", "helper", "helpers", "manager", "managers", "misc"];
