/**
 * The layers of the code, from the lowest up, with the reason for each. A file belongs to the first layer whose patterns
 * match it. It may import lower layers, and its neighbours in its own folder. Checked by import-rules.test.ts; this file
 * has data only. Patterns: `*` is any run without `/`, `**` any run.
 */

/** One floor, the lowest first. */
export interface FloorRow {
  readonly files: readonly string[];
  /** Packages and modules of Node that its files may import. */
  readonly packages: readonly string[];
  readonly because: string;
}

/** A module that only some files may import. */
export interface ReservedRow {
  readonly target: string;
  readonly by: readonly string[];
  /** Anyone may import its types: they are gone when it runs. */
  readonly types_free?: true;
  readonly because: string;
}

/** Features, each above those before it: one may use another that stands before it, never one behind it. */
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
  "tasks",
  "sessions",
  "messages",
  "wait",
  "agent-metrics",
  "usage",
  "webhooks",
  "compliance",
  "metrics",
  "backup",
  "mcp",
  "cluster",
] as const;

export const FLOORS: readonly FloorRow[] = [
  {
    files: ["schemas/**"],
    packages: ["typebox", "typebox/*"],
    because: "schemas are shared by server, command line and documents: what they import, all of these load",
  },
  {
    files: ["shared/**"],
    packages: [],
    because: "shared code runs in the server, in the command line and in the browser: it needs none of them",
  },
  {
    files: ["src/base/**"],
    packages: ["node:**", "pino", "sonic-boom", "lossless-json", "typebox", "typebox/*"],
    because: "base files are leaves without a feature, usable on every thread",
  },
  {
    files: ["src/config/**", "src/measure/**", "src/topics/**", "src/outbound/**"],
    packages: ["node:**", "undici"],
    because: "these are parts of their own, which know nothing of whom they serve",
  },
  {
    files: ["src/ordered-log/**"],
    packages: ["node:**", "@nats-io/*", "pg"],
    because:
      "an ordered log keeps entries in their order; what is in them, and who reads them, is none of its business",
  },
  {
    files: ["src/store/**"],
    packages: ["node:**", "better-sqlite3", "@photostructure/sqlite"],
    because: "the store opens and migrates files; what is in them is the features' business",
  },
  {
    files: ["src/rpc/**"],
    packages: ["node:**", "typebox"],
    because: "the RPC is a protocol: it knows neither threads nor methods",
  },
  {
    files: ["src/background/**"],
    packages: [],
    because: "the register of background tasks knows that they tick, and none of them",
  },
  {
    files: ["src/transport/**"],
    packages: ["node:**", "uWebSockets.js", "ws"],
    because: "a transport carries requests and sockets, and knows no route",
  },
  {
    files: ["src/threads/**"],
    packages: ["node:**", "typebox"],
    because: "the threads carry out methods by their rows: what a row does is its feature's business",
  },
  {
    files: ["src/front/**"],
    packages: ["node:**", "typebox", "typebox/*"],
    because: "the front carries requests through the route table and knows no feature behind it",
  },
  ...FEATURES.map((feature) => ({
    files: [`src/${feature}/**`],
    packages: ["node:**", "typebox", "re2js", "ajv-formats/dist/*", "@modelcontextprotocol/server", "tinyqueue"],
    because: `features stand one above the other (FEATURES): ${feature} may not use those behind it`,
  })),
  {
    files: ["src/methods.ts"],
    packages: [],
    because: "the table of methods names every feature and nothing above them",
  },
  {
    files: ["src/composition/**"],
    packages: [],
    because: "the composition root knows every part of src, but no library and no worker's code",
  },
  {
    files: ["src/server.ts"],
    packages: ["node:**"],
    because: "the start and the stop of the server are above all that they start and stop",
  },
  {
    files: ["src/main.ts"],
    packages: ["node:**"],
    because: "the program reads settings and reports what fails before it loads the server",
  },
  {
    files: ["workers/**"],
    packages: ["node:**"],
    because: "a worker is a thread's entry, a few lines over what src offers",
  },
];

/** The command line stands beside the house: on the schemas and the shared code alone. */
export const CLI: FloorRow = {
  files: ["cli/**"],
  packages: ["node:**", "clipanion", "ws", "typebox", "typebox/*", "jsonc-parser", "toml-eslint-parser"],
  because: "the command line is one small bundle that starts fast; server code in it would cost every call",
};

/**
 * The dashboard's pages are a house of their own beside it, on the schemas and the shared code alone, the lowest floor
 * first. A view's folder is besides closed to every other view.
 */
export const PAGES: readonly FloorRow[] = [
  {
    files: ["dashboard/base/**"],
    packages: ["@preact/signals"],
    because: "what all of the pages stands on knows neither the server nor what is drawn",
  },
  {
    files: ["dashboard/api/**"],
    packages: ["@preact/signals", "preact/hooks", "typebox"],
    because: "how the pages know the server is known in one place, and draws nothing",
  },
  {
    files: ["dashboard/parts/**"],
    packages: [
      "@preact/signals",
      "preact",
      "preact/hooks",
      "preact-iso/router",
      "uplot",
      "diff",
      "lowlight",
      "highlight.js/lib/languages/*",
    ],
    because: "parts are there for every view and know none",
  },
  {
    files: ["dashboard/versioned/**"],
    packages: ["@preact/signals", "preact", "preact/hooks", "preact-iso/router"],
    because: "what state and specs have in common knows neither",
  },
  {
    files: ["dashboard/views/**"],
    packages: ["@preact/signals", "preact", "preact/hooks", "preact-iso/router"],
    because: "a view knows what it shows, not the page around it",
  },
  {
    files: ["dashboard/views.ts"],
    packages: ["preact"],
    because: "the table of views names each of them and nothing above",
  },
  {
    files: ["dashboard/app/**"],
    packages: ["@preact/signals", "preact", "preact/hooks", "preact-iso/router", "@leeoniya/ufuzzy"],
    because: "the frame is around the views, which it has from their table",
  },
  {
    files: ["dashboard/main.tsx"],
    packages: ["preact"],
    because: "the page's beginning draws the frame",
  },
];

/** Why a view may not use another one. */
export const VIEWS_APART = "a view can be read, changed and taken out alone: what two of them need is a part";

/** Tests and benchmarks look at the house from outside, and reach everything. */
export const OUTSIDE = ["**/*.test.ts", "**/*.test.tsx", "test/**", "bench/**"];

export const RESERVED: readonly ReservedRow[] = [
  {
    target: "uWebSockets.js",
    by: ["src/transport/uws/*"],
    because: "one folder knows the HTTP library, so that another library can take its place",
  },
  {
    target: "src/transport/uws/**",
    by: ["src/transport/uws/*", "src/transport/choose.ts"],
    because: "which transport it is, one file decides",
  },
  {
    target: "src/transport/node/**",
    by: ["src/transport/node/*", "src/transport/choose.ts"],
    because: "which transport it is, one file decides",
  },
  {
    target: "src/ordered-log/**",
    by: ["src/ordered-log/**", "src/cluster/**"],
    because:
      "who reads a log, and what is in it, one folder knows: the threads carry out calls, wherever they come from",
  },
  {
    target: "src/cluster/node.ts",
    by: ["workers/writer/main.ts"],
    because:
      "what only a node of a cluster needs is loaded where a server is one: the writer's program begins it there",
  },
  {
    target: "src/cluster/snapshot-thread.ts",
    by: ["src/cluster/snapshots.ts", "workers/snapshot/main.ts"],
    because: "a thread of a snapshot is begun by its owner, and is nothing to anybody else",
  },
  {
    target: "better-sqlite3",
    by: ["src/store/sqlite/better-sqlite3.ts"],
    because: "storage is methods for writes and models for reads: of a library its adapter alone knows the name",
  },
  {
    target: "re2js",
    by: ["src/rules/regex.ts"],
    because: "whoever compiles a regex otherwise compiles without its bounds",
  },
  {
    target: "undici",
    by: ["src/outbound/client.ts"],
    because: "whoever calls out passes the guard of addresses and the deadline: there is one door",
  },
  {
    target: "@modelcontextprotocol/server",
    by: ["src/mcp/endpoint.ts", "src/mcp/shared-server.ts", "src/mcp/batches.ts", "src/mcp/tool-server.ts"],
    because: "the protocol's library is large: only what is loaded with the first request to /mcp may know it",
  },
  {
    target: "node:crypto",
    by: ["cli/**", "dashboard/**"],
    types_free: true,
    because: "it takes 5 ms of the start of each thread: src/base/crypto.ts reads it when it is needed",
  },
  {
    target: "node:http",
    by: ["cli/**", "dashboard/**"],
    types_free: true,
    because: "its names take 40 ms of a start: src/transport/node/http.ts has it without them",
  },
  {
    target: "typebox/compile",
    by: ["src/base/shape-compiler.ts"],
    because: "what it shares with the schemas would be read at each start: it is a bundle of its own",
  },
  {
    target: "src/front/**",
    by: [
      "src/front/**",
      "src/*/routes.ts",
      "src/*/front.ts",
      "src/backup/restore.ts",
      "src/mcp/*",
      "src/composition/*",
      "src/server.ts",
    ],
    because: "requests and answers are the front half's: a feature's other files run on any thread",
  },
  {
    target: "src/*/routes.ts",
    by: ["src/composition/*"],
    because: "routes meet in the route table and nowhere else",
  },
  {
    target: "src/methods.ts",
    by: ["src/composition/ground.ts", "src/server.ts", "workers/**"],
    because: "a feature knows its own methods; all of them together only the programs do",
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
      "src/rpc/port.ts",
      "src/threads/pool-thread.ts",
      "src/threads/pool-program.ts",
      "src/cluster/snapshot-thread.ts",
    ],
    because:
      "frames of one turn travel together, and in order, only while one file sends them; a batch of the pool's is " +
      "one message by itself, and a snapshot's thread has nothing but its outcome to say",
  },
  {
    target: "MessageChannel",
    by: ["src/rpc/port.ts"],
    because: "only src/rpc/port.ts touches a MessagePort",
  },
];

/** Words that say nothing about a file. */
export const EMPTY_NAMES = ["util", "utils", "helper", "helpers", "manager", "managers", "misc"];
