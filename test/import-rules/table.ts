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
  readonly because: string;
}

const LEAVES = ["schemas/*", "src/base/*"];

/** An allow-list for each kind of file. */
export const LAYERS: readonly LayerRow[] = [
  {
    files: ["**/*.test.ts", "test/**"],
    may: ["**"],
    because: "tests reach everything",
  },
  {
    files: ["schemas/**"],
    may: ["schemas/*", "typebox", "typebox/*"],
    because: "schemas are shared by the server, the command line and the documents: whatever they import, all of these load",
  },
  {
    files: ["src/base/log.ts"],
    may: [...LEAVES, "node:*", "pino", "sonic-boom"],
    because: "the log is a leaf, its writer is a library",
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
    files: ["src/rpc/pool.ts", "src/rpc/reads.ts", "src/rpc/writer-thread.ts"],
    may: [...LEAVES, "src/rpc/*", "src/jobs.ts", "src/store/read-context.ts", "src/store/write-context.ts", "node:*", "piscina"],
    because: "the ends of the two lanes start threads and short reads, and know nothing of what is done there",
  },
  {
    files: ["src/rpc/**"],
    may: [...LEAVES, "src/rpc/*", "node:*", "typebox", "typebox/*"],
    because: "the RPC knows the table of methods, not the features behind it, so that another engine can answer the same methods",
  },
  {
    files: ["src/store/read-context.ts", "src/store/write-context.ts"],
    may: [...LEAVES, "src/store/*", "src/*/table.ts", "src/versioned/*", "node:*"],
    because: "a context gathers the tables that a job or a command is handed, and nothing else",
  },
  {
    files: ["src/store/**"],
    may: [...LEAVES, "src/store/*", "src/versioned/*", "node:*", "better-sqlite3"],
    because: "the store opens and migrates files; what is in them is the features' business",
  },
  {
    files: ["src/*/table.ts"],
    may: [...LEAVES, "{folder}/*", "src/store/*", "src/versioned/*", "node:*", "better-sqlite3"],
    because: "SQL knows rows, not requests, threads or sockets",
  },
  {
    files: ["src/*/commands.ts"],
    may: [...LEAVES, "{folder}/*", "src/versioned/*", "src/store/open.ts", "src/store/write-context.ts", "node:*"],
    because: "a command runs inside the writer's transaction: pure files, its own table and the context it is given are all that it may touch",
  },
  {
    files: ["src/*/jobs.ts"],
    may: [...LEAVES, "{folder}/*", "src/versioned/*", "src/store/open.ts", "src/store/id-range.ts", "src/store/read-context.ts", "node:*"],
    because: "a job runs in the pool: pure files, its own table and the read-only context it is given are all that it may touch",
  },
  {
    files: ["src/jobs.ts"],
    may: [...LEAVES, "src/*/jobs.ts", "src/store/read-context.ts"],
    because: "the table of jobs names each and does nothing itself",
  },
  {
    files: ["src/**"],
    may: ["schemas/*", "src/**", "node:*", "typebox", "typebox/*", "pino", "sonic-boom", "piscina", "uWebSockets.js", "better-sqlite3"],
    because: "the server never imports its workers (it starts them by their address), the command line, benchmarks or tests",
  },
  {
    files: ["workers/**"],
    may: ["schemas/*", "src/**", "workers/**", "node:*", "better-sqlite3", "piscina"],
    because: "workers compose what src offers, and are programs of their own",
  },
  {
    files: ["cli/**"],
    may: ["schemas/*", "cli/**", "node:*", "clipanion", "typanion", "ws", "typebox", "typebox/*"],
    because: "the command line is one small bundle that starts fast; server code in it would cost every call",
  },
  {
    files: ["bench/**"],
    may: ["**"],
    because: "benchmarks build references out of the server's own parts",
  },
];

/** What only some files may import. */
export const RESERVED: readonly ReservedRow[] = [
  {
    target: "uWebSockets.js",
    by: ["src/front/exchange.ts", "src/front/listen.ts", "src/events/websocket.ts", "bench/**"],
    because: "features see a plain request and return a plain reply; only the transport knows its library",
  },
  {
    target: "better-sqlite3",
    by: ["src/store/*.ts", "src/*/table.ts", "workers/**", "bench/**"],
    because: "nothing in front, command line or MCP knows that SQLite exists: the storage seam is the table of methods",
  },
  {
    target: "piscina",
    by: ["src/rpc/*.ts", "src/main.ts", "workers/pool/**"],
    because: "jobs are sent through the RPC client, whichever library runs the threads",
  },
  {
    target: "src/rpc/port.ts",
    by: ["src/rpc/*.ts", "src/main.ts", "workers/**"],
    because: "only the two ends of a channel need to know that there is one",
  },
  {
    target: "src/*/table.ts",
    by: ["src/*/table.ts", "src/*/commands.ts", "src/*/jobs.ts", "src/store/*.ts", "workers/**", "bench/**"],
    because: "SQL runs in the writer and in the pool, not behind a route's back",
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
    by: ["workers/pool/**", "src/rpc/reads.ts"],
    because: "jobs run in the pool, or on the front where they look at a few rows: RPC calls decide which",
  },
  {
    target: "src/*/routes.ts",
    by: ["src/front/*.ts", "src/main.ts"],
    because: "routes meet in the route table and nowhere else",
  },
  {
    target: "src/main.ts",
    by: [],
    because: "the composition root knows everybody, so nobody may know it",
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

/** Words that say nothing about a file. */
export const EMPTY_NAMES = ["util", "utils", "helper", "helpers", "manager", "managers", "misc"];
