/**
 * Who may import what, and why: the shape of the system as four tables. A file is held to the first row
 * of `LAYERS` that fits it, and to every row of the others. Checked by import-rules.test.ts; only data
 * here. Patterns: `*` is any run without `/`, `**` any run, `{folder}` the folder of the importing file.
 */

export interface LayerRow {
  readonly files: readonly string[];
  /** Project files by path, packages by specifier. */
  readonly may: readonly string[];
  readonly because: string;
}

export interface ReservedRow {
  readonly target: string;
  readonly by: readonly string[];
  /** Anyone may import its types: they are gone when it runs. */
  readonly typesFree?: true;
  readonly because: string;
}

/** What costs nothing to know: bounds, schemas, and files without state. */
const LEAVES = ["schemas/*", "src/base/*"];

/** An allow-list for each kind of file. */
export const LAYERS: readonly LayerRow[] = [
  {
    files: ["**/*.test.ts", "test/**", "bench/**"],
    may: ["**"],
    because: "tests and benchmarks reach everything",
  },
  {
    files: ["schemas/**"],
    may: ["schemas/*", "typebox", "typebox/*"],
    because:
      "schemas are shared by the server, the command line and the documents: whatever they import, all of these load",
  },
  {
    files: ["cli/**"],
    may: ["schemas/*", "cli/**", "node:*", "clipanion", "typanion", "ws", "typebox", "typebox/*"],
    because: "the command line is one small bundle that starts fast; server code in it would cost every call",
  },
  {
    files: ["workers/**"],
    may: ["schemas/*", "src/**", "workers/**", "node:*", "better-sqlite3", "piscina"],
    because: "workers compose what src offers, and are programs of their own",
  },
  {
    files: ["src/base/log.ts"],
    may: [...LEAVES, "node:*", "pino", "sonic-boom"],
    because: "the log is a leaf, its writer is a library",
  },
  {
    files: ["src/base/shape.ts"],
    may: [...LEAVES, "typebox", "typebox/compile"],
    because: "values are held to schemas by their compiler, which each thread loads when it first needs it",
  },
  {
    files: ["src/base/**"],
    may: [...LEAVES, "node:*"],
    because: "base files are leaves without state, usable on every thread",
  },
  {
    files: ["src/config/**"],
    may: [...LEAVES, "src/config/*", "node:*"],
    because: "settings are read before anything else exists",
  },
  {
    files: ["src/rpc/pool.ts", "src/rpc/reads.ts", "src/rpc/staging-thread.ts", "src/rpc/writer-thread.ts"],
    may: [
      ...LEAVES,
      "src/rpc/*",
      "src/jobs.ts",
      "src/store/read-context.ts",
      "src/store/write-context.ts",
      "node:*",
      "piscina",
    ],
    because: "the ends of the two lanes start threads and short reads, and know nothing of what is done there",
  },
  {
    files: ["src/rpc/**"],
    may: [...LEAVES, "src/rpc/*", "node:*", "typebox", "typebox/*"],
    because:
      "the RPC knows the table of methods, not the features behind it, so that another engine can answer the same methods",
  },
  {
    files: ["src/store/read-context.ts", "src/store/write-context.ts"],
    may: [...LEAVES, "src/store/*", "src/*/table.ts", "src/webhooks/outbox.ts", "src/versioned/*", "node:*"],
    because: "a context gathers the tables that a job or a command is handed, and nothing else",
  },
  {
    files: ["src/store/**"],
    may: [...LEAVES, "src/store/*", "src/versioned/*", "node:*", "better-sqlite3"],
    because: "the store opens and migrates files; what is in them is the features' business",
  },
  {
    files: ["src/templates/commands.ts"],
    may: [...LEAVES, "{folder}/*", "src/rules/commands.ts", "src/store/write-context.ts"],
    because: "applying a template is an import of its rules and a write of its contracts, in one transaction",
  },
  {
    files: ["src/templates/template.ts"],
    may: [...LEAVES, "{folder}/*", "src/rules/rule.ts"],
    because: "a template's rules are read as any rules are",
  },
  {
    files: ["src/templates/jobs.ts"],
    may: [...LEAVES, "{folder}/*", "src/rules/pattern.ts", "src/store/read-context.ts"],
    because: "a template's patterns are compiled before it is stored",
  },
  {
    files: ["src/*/table.ts"],
    may: [...LEAVES, "{folder}/*", "src/store/*", "src/versioned/*", "node:*", "better-sqlite3"],
    because: "SQL knows rows, not requests, threads or sockets",
  },
  {
    files: ["src/*/commands.ts"],
    may: [...LEAVES, "{folder}/*", "src/versioned/*", "src/store/open.ts", "src/store/write-context.ts", "node:*"],
    because:
      "a command runs inside the writer's transaction: pure files, its own table and the context it is given are all that it may touch",
  },
  {
    files: ["src/compliance/jobs.ts"],
    may: [
      ...LEAVES,
      "{folder}/*",
      "src/contracts/contract.ts",
      "src/contracts/stored.ts",
      "src/contracts/validate.ts",
      "src/store/read-context.ts",
    ],
    because: "compliance asks of a contract what everybody else asks of it, by the same code",
  },
  {
    files: ["src/contracts/stored.ts"],
    may: [...LEAVES, "{folder}/*", "src/store/read-context.ts"],
    because: "stored contracts are read through the context that a job is given",
  },
  {
    files: ["src/*/jobs.ts"],
    may: [
      ...LEAVES,
      "{folder}/*",
      "src/versioned/*",
      "src/store/open.ts",
      "src/store/id-range.ts",
      "src/store/read-context.ts",
      "node:*",
    ],
    because:
      "a job runs in the pool: pure files, its own table and the read-only context it is given are all that it may touch",
  },
  {
    files: ["src/jobs.ts"],
    may: [...LEAVES, "src/*/jobs.ts", "src/store/read-context.ts"],
    because: "the table of jobs names each and does nothing itself",
  },
  {
    files: ["src/webhooks/outbox.ts"],
    may: [...LEAVES, "{folder}/*", "src/events/pattern.ts", "src/events/pattern-index.ts", "src/store/open.ts"],
    because:
      "the outbox finds in the event's own transaction which webhooks want it, by the events' patterns and its own table",
  },
  {
    files: ["src/webhooks/delivery.ts", "src/webhooks/send.ts"],
    may: [...LEAVES, "{folder}/*", "src/metrics/registry.ts", "src/outbound/*"],
    because: "deliveries run on the front: they are handed a reader and a way to the writer, and leave by the one door",
  },
  {
    files: ["src/metrics/routes.ts"],
    may: [
      ...LEAVES,
      "src/metrics/*",
      "src/front/route-table.ts",
      "src/events/hub.ts",
      "src/rpc/client.ts",
      "src/rpc/pool.ts",
      "src/store/open.ts",
      "node:*",
    ],
    because: "the metrics read what each part counts, and no more of it",
  },
  {
    files: ["src/outbound/**"],
    may: [...LEAVES, "src/outbound/*", "node:*", "undici"],
    because: "calling out is a part of its own: it knows addresses and deadlines, and nothing of whom it serves",
  },
  {
    files: ["src/backup/kind.ts", "src/backup/kinds.ts", "src/backup/kinds/*.ts", "src/backup/staging.ts"],
    may: [
      ...LEAVES,
      "src/backup/*",
      "src/backup/kinds/*",
      "src/versioned/*",
      "src/rules/*",
      "src/templates/template.ts",
      "src/events/pattern.ts",
      "src/store/open.ts",
      "src/store/staging.ts",
      "src/store/read-context.ts",
      "node:*",
    ],
    because: "a kind of record knows its tables from end to end, on whichever thread it is handed a database",
  },
  {
    files: ["src/backup/routes.ts"],
    may: [
      ...LEAVES,
      "src/backup/*",
      "src/front/route-table.ts",
      "src/front/chunked-reply.ts",
      "src/rpc/client.ts",
      "src/rpc/pool.ts",
    ],
    because: "a snapshot is as long as its reader takes: its route is handed threads of its own",
  },
  {
    files: ["src/backup/restore.ts"],
    may: [
      ...LEAVES,
      "src/backup/*",
      "src/front/route-table.ts",
      "src/rpc/client.ts",
      "src/rpc/staging-thread.ts",
      "node:fs/promises",
    ],
    because: "a restore runs on the front between a body and two threads, and sees no row of it",
  },
  {
    files: ["src/mcp/**"],
    may: [
      ...LEAVES,
      "src/mcp/*",
      "src/front/route-table.ts",
      "src/front/inner-call.ts",
      "@modelcontextprotocol/server",
    ],
    because:
      "MCP is another way to the routes: what a tool does is theirs, so it knows neither the RPC nor any other feature",
  },
  {
    files: ["src/*/routes.ts"],
    may: [
      ...LEAVES,
      "{folder}/*",
      "src/front/route-table.ts",
      "src/front/chunked-reply.ts",
      "src/rpc/client.ts",
      "src/outbound/*",
      "src/rpc/reads.ts",
      "src/metrics/registry.ts",
      "src/versioned/table.ts",
      "src/versioned/front.ts",
      "node:*",
    ],
    because:
      "a route turns a request into a call and its reply into an answer: it knows the RPC, not sockets, SQLite or threads",
  },
  {
    files: ["src/versioned/front.ts", "src/rules/front.ts", "src/contracts/front.ts"],
    may: [
      ...LEAVES,
      "{folder}/*",
      "src/front/route-table.ts",
      "src/front/chunked-reply.ts",
      "src/rpc/client.ts",
      "src/rpc/pool.ts",
      "src/rpc/reads.ts",
      "src/outbound/*",
    ],
    because: "what several routes share is answered on the front, beside the routes that are rows over it",
  },
  {
    files: [
      "src/instances/front.ts",
      "src/instances/liveness.ts",
      "src/instances/sightings.ts",
      "src/agent-metrics/flusher.ts",
    ],
    may: [...LEAVES, "{folder}/*", "src/rpc/client.ts", "node:*"],
    because:
      "what keeps instances and their counts runs on the front, and reaches the database through the writer only",
  },
  {
    files: ["src/compliance/monitor.ts"],
    may: [...LEAVES, "{folder}/*", "src/rpc/client.ts", "src/rpc/pool.ts"],
    because: "the monitor hands work to the pool and results to the writer, and does neither itself",
  },
  {
    files: [
      "src/events/feed.ts",
      "src/events/hub.ts",
      "src/events/long-poll.ts",
      "src/events/pruner.ts",
      "src/events/stream.ts",
      "src/events/websocket.ts",
    ],
    may: [
      ...LEAVES,
      "{folder}/*",
      "src/front/route-table.ts",
      "src/metrics/registry.ts",
      "src/rpc/client.ts",
      "src/rpc/reads.ts",
      "uWebSockets.js",
    ],
    because: "the live feed runs on the front beside the routes, and holds no more than they do",
  },
  {
    files: ["src/rules/pattern.ts"],
    may: [...LEAVES, "re2js"],
    because: "a pattern is its engine behind bounds, and knows no rule",
  },
  {
    files: ["src/front/**"],
    may: [
      ...LEAVES,
      "src/front/*",
      "src/config/*",
      "src/metrics/registry.ts",
      "src/rpc/client.ts",
      "src/events/routes.ts",
      "src/events/websocket.ts",
      "src/events/subscription.ts",
      "node:*",
      "typebox",
      "typebox/*",
      "uWebSockets.js",
    ],
    because:
      "the front carries requests through the route table and knows no feature behind it but the WebSocket upgrade",
  },
  {
    files: ["src/main.ts"],
    may: [...LEAVES, "src/config/*", "src/native-libraries.ts", "src/server.ts", "node:*"],
    because: "the program reads settings and reports what fails before it loads the server",
  },
  {
    files: ["src/native-libraries.ts"],
    may: ["uWebSockets.js", "better-sqlite3"],
    because: "it finds out whether the native libraries load, before anything that needs them is loaded",
  },
  {
    files: ["src/lanes.ts"],
    may: [...LEAVES, "src/rpc/*", "src/store/*", "src/metrics/commit-notice.ts", "node:*"],
    because: "the lanes are threads, queues and handles: what is done on them, and who hears of it, is given to them",
  },
  {
    files: ["src/server.ts"],
    may: ["schemas/*", "src/**", "node:*"],
    because:
      "the composition root knows every part of src, but no library and no worker's code: it is given their addresses",
  },
  {
    files: ["src/contracts/json-schema.ts"],
    may: [...LEAVES, "src/contracts/*", "ajv", "ajv/dist/*", "ajv-formats/dist/*", "src/rules/pattern.ts"],
    because: "one file knows the libraries of JSON Schema, and loads them where payloads are checked",
  },
  {
    files: ["src/*/*.ts"],
    may: [...LEAVES, "{folder}/*", "node:crypto"],
    because:
      "a file that is none of the kinds above is pure: base, schemas and its neighbours are all that it may know",
  },
];

/** What only some files may import. */
export const RESERVED: readonly ReservedRow[] = [
  {
    target: "uWebSockets.js",
    by: ["src/front/exchange.ts", "src/front/listen.ts", "src/events/websocket.ts", "src/native-libraries.ts"],
    because: "features see a plain request and return a plain reply; only the transport knows its library",
  },
  {
    target: "@modelcontextprotocol/server",
    by: ["src/mcp/endpoint.ts", "src/mcp/standing-server.ts", "src/mcp/tool-server.ts"],
    because: "the protocol's library is large: only what is loaded with the first request to /mcp may know it",
  },
  {
    target: "better-sqlite3",
    by: ["src/store/*.ts", "src/*/table.ts", "workers/**", "src/native-libraries.ts"],
    because: "nothing in front, command line or MCP knows that SQLite exists: the storage seam is the table of methods",
  },
  {
    target: "re2js",
    by: ["src/rules/pattern.ts"],
    because: "whoever compiles a pattern otherwise compiles without its bounds",
  },
  {
    target: "piscina",
    by: ["src/rpc/pool.ts", "workers/pool/**"],
    because: "jobs are sent through the RPC, whichever library runs the threads",
  },
  {
    target: "undici",
    by: ["src/outbound/client.ts"],
    because: "whoever calls out passes the guard of addresses and the deadline: there is one door",
  },
  {
    target: "src/rpc/port.ts",
    by: ["src/rpc/*.ts", "workers/**"],
    because: "only the two ends of a channel need to know that there is one",
  },
  {
    target: "src/*/table.ts",
    by: [
      "src/*/table.ts",
      "src/*/commands.ts",
      "src/*/jobs.ts",
      "src/store/*.ts",
      "src/events/feed.ts",
      "src/webhooks/outbox.ts",
      "src/server.ts",
      "workers/**",
    ],
    typesFree: true,
    because: "SQL runs where a handle was handed out: in the writer, in the pool, and for a subscriber's replay",
  },
  {
    target: "src/*/commands.ts",
    by: ["src/*/commands.ts", "src/store/write-context.ts", "workers/writer/**"],
    because: "a command runs in the writer; everyone else calls its method",
  },
  {
    target: "src/*/jobs.ts",
    by: ["src/jobs.ts"],
    because: "a job runs in the pool; everyone else calls its method",
  },
  {
    target: "src/jobs.ts",
    by: ["src/rpc/reads.ts", "workers/pool/**"],
    because: "jobs run in the pool, or on the front where they look at a few rows: the RPC decides which",
  },
  {
    target: "src/*/routes.ts",
    by: ["src/server.ts", "src/front/listen.ts"],
    because: "routes meet in the route table and nowhere else",
  },
  {
    target: "src/server.ts",
    by: ["src/main.ts"],
    because: "the composition root knows everybody, so nobody may know it",
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
    by: ["src/rpc/port.ts"],
    because: "frames of one turn travel together, and in order, only while one file sends them",
  },
  {
    target: "MessageChannel",
    by: ["src/rpc/port.ts"],
    because: "only src/rpc/port.ts touches a MessagePort",
  },
];

/** What RESERVED and WORDS do not hold: it runs beside the system, not in it. */
export const OUTSIDE = ["test/**", "**/*.test.ts", "bench/**"];

/** Words that say nothing about a file. */
export const EMPTY_NAMES = ["util", "utils", "helper", "helpers", "manager", "managers", "misc"];
