/**
 * Selects the test files of a run, and how they run. Some groups of files are sampled. Some files also run over the
 * other transport, or with each server as a node of a cluster. Some files need no process of their own. Reads the built
 * files.
 */
import { existsSync, readFileSync } from "node:fs";
import { dirname, join, relative, sep } from "node:path";
import { fileURLToPath } from "node:url";
import type { LogName } from "./log-server.js";
import { countRounds, sampleSome } from "./test-size.js";

/** This file runs from dist/tree/test/support. */
export const TREE = fileURLToPath(new URL("../../", import.meta.url));
export const TEST_ENDING = ".test.js";

/** Matches calls that start a server. */
const STARTS_SERVER = /\bstartKoor\(/;
const IMPORTS = /(?:from|import) "(\.[^"]+)"/g;
/** The test that uses both transports itself. */
const OVER_BOTH = join("test", "transports.test.js");
/** The number of files that each form also runs over Node's own transport. */
const SHORT_OVER_NODE = 1;
const LONG_OVER_NODE = 6;
/** Matches tests whose servers may also be nodes. Tests of clusters choose their nodes themselves. */
const OF_NODES = /^test[/\\](?:(?:api|cli|openapi)[-.]|recipes|faults[/\\])(?!cluster)/;
/** The tests that take only seconds. The short form samples its second runs from them. */
const QUICK = new Set(
  ["state", "specs", "templates", "usage", "audit", "agent-metrics", "contracts", "mcp"].map((name) =>
    join("test", `api-${name}.test.js`),
  ),
);
const SAMPLE_OF_NODES = 1;
/** Matches tests of requests that a node refuses. */
const ABOUT_RESTORES = /(?:api-backup|restore-kill)\.test\.js$/;
/** Matches tests of work that only the leader does. */
const OF_LEADERS = /(?:webhook(?:s|-delivery)|api-secrets)\.test\.js$/;
/** The number of files that the long form samples for each kind of node. All files would take ten minutes. */
const LONG_OF_NODES = 2;
/**
 * Matches tests that start their own logs and clusters. Each takes half a minute or more, and does not depend on the
 * transport.
 */
const OF_CLUSTERS =
  /^test[/\\](?:faults[/\\])?(?:api-)?cluster(?:-[a-z-]+)?\.test\.js$|cluster[/\\]log[/\\](?:nats|postgres)\.test\.js$/;
/** The number of these tests that each form samples. */
const SHORT_CLUSTERS = 1;
const LONG_CLUSTERS = 4;
/** The test whose nodes use the log of the run. */
const OF_CLUSTER = join("test", "api-cluster.test.js");
/** The number of files that also run over the second log. */
const SAMPLE_SECOND_LOG = 1;
/** Matches tests that damage a single server. The constants below say how many of them each form samples. */
const OF_FAULTS = /^test[/\\]faults[/\\](?!cluster)/;
const SHORT_FAULTS = 1;
const LONG_FAULTS = 11;
/**
 * Matches tests of the client libraries with real servers. The constant below says how many of them the short form
 * samples.
 */
const OF_CLIENTS = /^clients[/\\]|^test[/\\]python-client/;
const SHORT_CLIENTS = 2;
/**
 * Matches tests of the command line with real servers. The constant below says how many of them the short form samples.
 */
const OF_CLI = /^test[/\\]cli-/;
const SHORT_CLI = 3;
/**
 * Matches tests of clients that send very large, very many, hostile or fragmented requests. The short form samples some
 * of them. Every run tests what the server otherwise accepts and refuses.
 */
const OF_BOUNDS = new RegExp(
  `^test[/\\\\](?:${[
    "api-(?:bad-input|claim-bytes|close-frames|guessing|hostile-costs|json-bounds|list-bounds|long-names|mcp-bounds)",
    "api-(?:mcp-clients|quoted-names|visible-names|wait-hostile|wait-many-tasks)",
    "floods|memory|transports-(?:framing|http)",
  ].join("|")})\\.test`,
);
const SHORT_BOUNDS = 3;
/**
 * Matches tests of single features over a real server. The short form samples some of them. Every run tests the
 * features by which agents coordinate, and the common behaviour of all routes.
 */
const OF_FEATURES = /^test[/\\]api-(?!(?:access|cluster|events|leases|mcp|service|state|tasks|wait)\.test)/;
const SHORT_FEATURES = 6;
/**
 * Matches tests of whole scenarios, of the examples in the documents and of the package. The constant below says how
 * many of them the short form samples.
 */
const OF_SCENARIOS = new RegExp(
  `^test[/\\\\](?:${[
    "agents-together|generators|guide-examples|http-examples|mcp-conformance|npm-start|packaging|recipes|three-agents",
    "support[/\\\\]a-day",
  ].join("|")})\\.test`,
);
const SHORT_SCENARIOS = 2;
/** Matches tests that use a browser. Every run tests the common behaviour of all pages (`test/dashboard-frame`). */
const OF_PAGES = /^dashboard[/\\]|^test[/\\]dashboard-(?:foreign|widths)/;
const ABOUT_PAGES = /^dashboard[/\\]|^test[/\\]dashboard-/;
const SAMPLE_PAGES = 1;
/** The number of page tests that each form samples. */
const SHORT_PAGES = 1;
const LONG_PAGES = 9;
/**
 * Matches files that start processes or threads, change something that all files of a process share, or measure the
 * process. Such a file needs its own process.
 */
const NEEDS_PROCESS = new RegExp(
  [
    "node:(?:child_process|worker_threads)",
    "\\b(?:spawn|Worker|RunningCli|runProgram|runAtTerminal)\\b",
    "process\\.(?:chdir|cpuUsage|memoryUsage|umask|on|once|exit|kill|stdin|env)\\b",
    "globalThis|performance\\.now|intercept\\(|createProgram",
  ].join("|"),
);
/** The maximum number of files that share a process. */
const TOGETHER_MAX = 16;
/**
 * The longest tests, in the order in which they start. If they started last, each would run alone after all others have
 * ended.
 */
export const FIRST = [
  "test/real-clients",
  "test/soak",
  "test/package",
  "test/release",
  "test/replay",
  "test/floods",
  "test/dashboard-frame",
  "test/transports",
  "src/cluster/simulation",
  "test/faults/lease-races",
  "test/faults/webhook-delivery",
  "test/cli",
  "test/python-client",
  "test/api-tasks",
  "src/cluster/log/nats",
  "src/cluster/log/postgres",
  "test/api-list-bounds",
  "src/platform/threads/pool",
  "test/api-bad-input",
  "test/faults/cluster-nodes",
  "clients/typescript/cluster",
  "test/cli-tasks",
  "test/api-leases",
  "test/openapi-client",
  "test/three-agents",
  "test/api-service",
  "test/api-backup",
  "test/api-messages",
  "test/docs",
  "test/npm-start",
  "cli/event-feed",
  "test/cli-top",
  "test/cli-land",
  "test/method-table",
  "test/openapi",
].map((name) => join(...name.split("/")) + TEST_ENDING);

/** The log for which each server is a single node or a follower; "" if the servers are no nodes. */
export type NodeKind = LogName | `${LogName}-led` | "";

const texts = new Map<string, string>();

function textOf(file: string): string {
  const text = texts.get(file) ?? (existsSync(file) ? readFileSync(file, "utf8") : "");
  texts.set(file, text);
  return text;
}

/** Whether a test, or a helper that it imports, starts a server. */
function crossesSocket(file: string, seen = new Set<string>()): boolean {
  if (seen.has(file)) return false;
  seen.add(file);
  const text = textOf(file);
  if (STARTS_SERVER.test(text.replaceAll(/function startKoor\(/g, ""))) return true;
  return [...text.matchAll(IMPORTS)].some(([, path = ""]) => {
    const imported = join(dirname(file), path);
    return relative(TREE, imported).split(sep).includes("test") && crossesSocket(imported, seen);
  });
}

/** Splits the files that start a server into tests of pages and other tests. */
function wireTests(tests: readonly string[]): { pages: string[]; others: string[] } {
  const all = tests.filter((path) => path !== OVER_BOTH && !OF_CLUSTERS.test(path) && crossesSocket(join(TREE, path)));
  const isOfPages = (path: string): boolean => ABOUT_PAGES.test(path);
  return { pages: all.filter(isOfPages), others: all.filter((path) => !isOfPages(path)) };
}

/** The files that also run with each server as a node of a cluster with this log. */
export interface OverLog {
  readonly log: LogName;
  readonly cluster: NodeKind;
  readonly paths: readonly string[];
}

/**
 * Selects the files of a run. If names were given, selects all files that were found. Otherwise, selects samples of the
 * groups.
 * @param named whether names were given
 */
export function chooseTests(
  found: readonly string[],
  named: boolean,
): { readonly chosen: readonly string[]; readonly leftOut: readonly string[] } {
  const matching = (pattern: RegExp): readonly string[] => found.filter((path) => pattern.test(path));
  const clusters = matching(OF_CLUSTERS);
  const groups = [
    {
      files: matching(OF_PAGES).filter((path) => crossesSocket(join(TREE, path))),
      short: SHORT_PAGES,
      long: LONG_PAGES,
    },
    { files: matching(OF_FAULTS), short: SHORT_FAULTS, long: LONG_FAULTS },
    { files: matching(OF_CLIENTS), short: SHORT_CLIENTS },
    { files: matching(OF_CLI), short: SHORT_CLI },
    { files: matching(OF_BOUNDS), short: SHORT_BOUNDS },
    { files: matching(OF_SCENARIOS), short: SHORT_SCENARIOS },
    { files: matching(OF_FEATURES).filter((path) => !OF_BOUNDS.test(path)), short: SHORT_FEATURES },
  ];
  const all = [...clusters, ...groups.flatMap(({ files }) => files)];
  const sampled = named
    ? all
    : [
        ...sampleSome(clusters, countRounds(SHORT_CLUSTERS, LONG_CLUSTERS)),
        ...groups.flatMap(({ files, short, long = files.length }) => sampleSome(files, countRounds(short, long))),
      ];
  const leftOut = all.filter((path) => !sampled.includes(path));
  return { chosen: found.filter((path) => !leftOut.includes(path)), leftOut };
}

/** Selects the files that also run over Node's own transport. */
export function overNode(chosen: readonly string[], named: boolean): readonly string[] {
  const { pages, others } = wireTests(chosen);
  return [
    ...(countRounds(0, 1) === 1
      ? sampleSome(others, LONG_OVER_NODE)
      : sampleSome(
          others.filter((path) => named || QUICK.has(path)),
          SHORT_OVER_NODE,
        )),
    ...sampleSome(pages, countRounds(0, SAMPLE_PAGES)),
  ];
}

/**
 * Groups the files that may share a process, and the files that need their own. In the long form each file has its own
 * process, which shows that no file depends on another.
 */
export function groupFiles(chosen: readonly string[], named: boolean): readonly (readonly string[])[] {
  if (named || countRounds(0, 1) === 1) return chosen.map((path) => [path]);
  const canShare = (path: string): boolean =>
    !FIRST.includes(path) && !NEEDS_PROCESS.test(textOf(join(TREE, path))) && !crossesSocket(join(TREE, path));
  const shared = chosen.filter(canShare);
  const groups: string[][] = Array.from({ length: Math.ceil(shared.length / TOGETHER_MAX) }, () => []);
  // Files that are neighbours in the list load the same modules, so they are put together.
  for (const [at, path] of shared.entries()) groups[Math.floor(at / TOGETHER_MAX)]?.push(path);
  return [...groups, ...chosen.filter((path) => !canShare(path)).map((path) => [path])];
}

/** Selects the files that also run with each server as a node, for each log. */
export function overLogs(found: readonly string[], named: boolean): readonly OverLog[] {
  const ofNodes = wireTests(found).others.filter((path) => OF_NODES.test(path) && !ABOUT_RESTORES.test(path));
  const long = countRounds(0, 1) === 1;
  const sample = (paths: readonly string[]): readonly string[] =>
    named
      ? paths
      : long
        ? sampleSome(paths, LONG_OF_NODES)
        : sampleSome(
            paths.filter((path) => QUICK.has(path)),
            SAMPLE_OF_NODES,
          );
  const second = [...found.filter((path) => path === OF_CLUSTER), ...sampleSome(ofNodes, SAMPLE_SECOND_LOG)];
  return [
    { log: "nats", cluster: "nats", paths: sample(ofNodes) },
    { log: "nats", cluster: "nats-led", paths: sample(ofNodes.filter((path) => !OF_LEADERS.test(path))) },
    { log: "postgres", cluster: "postgres", paths: long ? second : [] },
  ];
}
