/**
 * Checks README.md and docs/ against the code: every option, route, parameter, metric and audited action is documented
 * in its place, quoted limits and messages are the real ones, patterns match as the table says, and links and paths
 * exist. Runs in the test's process beside one real server. The pages of the command line and of the benchmarks are
 * checked against their own tables; here only their links are.
 */
import { existsSync, readFileSync, readdirSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import t from "tap";
import { findRow, readTokens } from "../cli/command-line.js";
import { COMMANDS } from "../cli/commands.js";
import { CliFailure } from "../cli/failure.js";
import { OPTIONS, flagOf } from "../schemas/config.js";
import { Failure } from "../src/base/result.js";
import { METHODS } from "../src/methods.js";
import type { SessionFront } from "../src/features/sessions/front.js";
import { sessionRoutes } from "../src/features/sessions/routes.js";
import { isWriterMethod } from "../src/platform/threads/methods.js";
import { compilePattern } from "../src/platform/topics/pattern.js";
import { nodeMetrics } from "./references/served.js";
import { parseExposition } from "./support/exposition.js";
import { send } from "./support/http-client.js";
import { startKoor } from "./support/server-process.js";

/** This file runs from dist/tree/test. */
const ROOT = fileURLToPath(new URL("../../../", import.meta.url));
const PAGES: ReadonlyMap<string, string> = new Map(
  [
    "README.md",
    ...readdirSync(join(ROOT, "docs"))
      .filter((name) => name.endsWith(".md"))
      .map((name) => `docs/${name}`),
    // Readers do not see the comments of HTML.
  ].map((path) => [path, readFileSync(join(ROOT, path), "utf8").replaceAll(/<!--(?! koor:)[^]*?-->/g, "")]),
);
/** cli/koor.test.ts checks the first against the table of commands; the second has other commands. */
const ELSEWHERE = new Set(["docs/cli.md", "docs/benchmarks.md"]);
const OURS = [...PAGES].filter(([path]) => !ELSEWHERE.has(path));

const page = (name: string): string => PAGES.get(name) ?? "";
const withoutBlocks = (text: string): string => text.replace(/^```[^]*?^```$/gm, "");
const codeIn = (text: string): string[] => [...text.matchAll(/`([^`\n]+)`/g)].map((match) => match[1] ?? "");

/** Returns the text below a heading, up to the next one of its level or above. */
function section(name: string, heading: string): string {
  const text = page(name);
  const start = text.indexOf(`\n${heading}\n`);
  if (start < 0) return "";
  const level = heading.indexOf(" ");
  const rest = text.slice(start + heading.length + 2);
  const end = rest.search(new RegExp(`^#{1,${level}} `, "m"));
  return end < 0 ? rest : rest.slice(0, end);
}

/** Returns the rows of the tables in a text, cell by cell, without their heads. */
function tableRows(text: string): string[][] {
  const rows = text.split("\n").map((line) =>
    line.startsWith("|")
      ? line
          .slice(1, -1)
          .split("|")
          .map((cell) => cell.trim())
      : null,
  );
  const heads = new Set(
    rows.flatMap((row, at) => (row !== null && row.every((cell) => /^-+$/.test(cell)) ? [at, at - 1] : [])),
  );
  return rows.filter((row, at): row is string[] => row !== null && !heads.has(at));
}

const anchors = new Map<string, ReadonlySet<string>>();

/** Makes the anchors of a page as GitHub does. */
function anchorsOf(name: string): ReadonlySet<string> {
  const known = anchors.get(name);
  if (known !== undefined) return known;
  const made = new Set(
    [...withoutBlocks(page(name)).matchAll(/^#+ (.*)$/gm)].map((match) =>
      (match[1] ?? "")
        .toLowerCase()
        .replace(/[^\p{L}\p{N}\s_-]/gu, "")
        .replaceAll(" ", "-"),
    ),
  );
  anchors.set(name, made);
  return made;
}

t.test("links and paths lead to existing targets", (t) => {
  for (const [path, text] of PAGES) {
    const prose = withoutBlocks(text);
    for (const [, target = ""] of prose.matchAll(/\]\(([^)\s]+)\)/g)) {
      if (/^https?:/.test(target)) continue;
      const [file = "", anchor] = target.split("#");
      const linked = file === "" ? path : join(dirname(path), file);
      t.ok(existsSync(join(ROOT, linked)), `${path}: ${target}`);
      if (anchor !== undefined) t.ok(anchorsOf(linked).has(anchor), `${path}: ${target} has its heading`);
    }
    for (const code of codeIn(prose)) {
      if (!/^(src|schemas|shared|workers|cli|test|deploy)\/[\w./-]+$/.test(code)) continue;
      t.ok(existsSync(join(ROOT, code)), `${path}: ${code}`);
    }
  }
  t.end();
});

t.test("the settings file of docs/configuration.md has options only", (t) => {
  const [, example = ""] = /^```json\n([^]*?)^```$/m.exec(page("docs/configuration.md")) ?? [];
  for (const key of Object.keys(JSON.parse(example) as object))
    t.ok(Object.hasOwn(OPTIONS, key), `the example's ${key}`);
  t.end();
});

/** The statuses that every route may answer with, which the sections need not repeat. */
const COMMON_STATUSES = new Set(["101", "200", "400", "401", "403", "408", "415", "417", "421", "503", "504"]);

/** Routes of the dashboard's port, which the description of the API leaves out. */
const DASHBOARD_ONLY = sessionRoutes({} as SessionFront).map(({ method, path }) => `${method} ${path}`);

interface Described {
  readonly parameters: readonly { readonly name: string; readonly in: string }[];
  readonly responses: Readonly<Record<string, unknown>>;
}

t.test("docs/http-api.md has each route, parameter, status, metric and audited action", async (t) => {
  // Some metrics are there only with this option. Nothing is exported before the test has ended.
  const { port } = await startKoor(t, { args: ["--otlp", "http://127.0.0.1:9"] });
  const { paths } = (await send(port, "GET", "/openapi.json")).json<{
    readonly paths: Readonly<Record<string, Readonly<Record<string, Described>>>>;
  }>();
  const text = page("docs/http-api.md");
  const headings = [...text.matchAll(/^### ((?:GET|PUT|POST|PATCH|DELETE) \S+)$/gm)].map((match) => match[1] ?? "");
  const routes = Object.entries(paths).flatMap(([path, methods]) =>
    Object.entries(methods).map(([method, route]) => [`${method.toUpperCase()} ${path}`, route] as const),
  );
  t.same([...headings].sort(), [...routes.map(([name]) => name), ...DASHBOARD_ONLY].sort());
  for (const name of DASHBOARD_ONLY)
    t.match(section("docs/http-api.md", `### ${name}`), /^```\n\$ /m, `${name}: a request`);
  for (const [name, { parameters, responses }] of routes) {
    const about = section("docs/http-api.md", `### ${name}`);
    for (const parameter of parameters) {
      if (parameter.in === "query")
        t.ok(
          codeIn(about).some((code) => code.split("=")[0] === parameter.name),
          `${name}: ${parameter.name}`,
        );
    }
    for (const status of Object.keys(responses)) {
      if (!COMMON_STATUSES.has(status))
        t.match(withoutBlocks(about), new RegExp(`\\b${status}\\b`), `${name}: ${status}`);
    }
    t.match(about, /^```\n\$ /m, `${name}: a request`);
  }

  const scraped = [(await send(port, "GET", "/metrics")).text, nodeMetrics()];
  const metrics = new Set(scraped.flatMap((scrape) => [...parseExposition(scrape).keys()]));
  const named = new Set(
    codeIn(section("docs/http-api.md", "### GET /metrics")).filter((code) => /^(koor|process|nodejs)_\w+$/.test(code)),
  );
  t.same([...named].sort(), [...metrics].sort(), "the metrics");
  for (const [path, other] of OURS)
    for (const code of codeIn(withoutBlocks(other)))
      if (/^koor_\w+$/.test(code)) t.ok(metrics.has(code), `${path}: ${code}`);

  const actions = METHODS.rows.filter(isWriterMethod).flatMap(({ audit }) => audit?.action ?? []);
  for (const action of actions) t.ok(codeIn(section("docs/http-api.md", "## Audit")).includes(action), action);
});

const UNITS: Readonly<Record<string, number>> = {
  "": 1,
  bytes: 1,
  characters: 1,
  KiB: 1024,
  MiB: 1024 * 1024,
  s: 1,
  ms: 0.001,
};
/** The numbers that the files of schemas/limits export, by their names. */
const LIMITS = new Map<string, unknown>();
const LIMIT_FILES = new URL("../schemas/limits/", import.meta.url);
for (const file of readdirSync(LIMIT_FILES).filter((name) => name.endsWith(".js"))) {
  const exported = (await import(new URL(file, LIMIT_FILES).href)) as Readonly<Record<string, unknown>>;
  for (const [name, value] of Object.entries(exported)) LIMITS.set(name, value);
}

function limitOf(name: string): number {
  const value = LIMITS.get(name);
  if (typeof value !== "number") throw new Error(`schemas/limits has no ${name}`);
  return value;
}

/** Limits in prose: the place, the bound and its unit. */
const QUOTED: readonly (readonly [page: string, says: RegExp, bound: number])[] = [
  ["docs/http-api.md", /A comment comes every (\d+) seconds/, limitOf("SSE_COMMENT_INTERVAL_MS") / 1000],
  ["docs/http-api.md", /as MCP calls, at (\d+) tokens/, limitOf("TOKENS_PER_MCP_CALL")],
  [
    "docs/http-api.md",
    /Calls without a valid token write at most (\d+) rows a minute/,
    limitOf("AUDIT_UNAUTHENTICATED_ROWS_PER_MINUTE_MAX"),
  ],
  ["docs/webhooks.md", /A chain is at most (\d+) deliveries long/, limitOf("WEBHOOK_HOPS_MAX")],
  ["docs/events.md", /A subscriber may be (\d+) events behind/, limitOf("SUBSCRIBER_BUFFER_EVENTS_MAX")],
  ["docs/events.md", /The newest (\d+) events are kept/, limitOf("EVENT_HISTORY_DEFAULT")],
  ["docs/events.md", /older ones are removed (once) a minute/, limitOf("EVENT_PRUNE_INTERVAL_MS") / 60_000],
  ["docs/webhooks.md", /Any 2xx within (\d+) seconds/, limitOf("WEBHOOK_TIMEOUT_MS") / 1000],
  [
    "docs/webhooks.md",
    /an answer of more than (\d+) KiB is a failure/,
    limitOf("WEBHOOK_ANSWER_BYTES_MAX") / (UNITS["KiB"] ?? 0),
  ],
  ["docs/webhooks.md", /After (\d+) failures in a row/, limitOf("WEBHOOK_FAILURES_MAX")],
  [
    "docs/webhooks.md",
    /then after twice as long and so on, at most (\d+) minutes/,
    limitOf("WEBHOOK_RETRY_DELAY_MS_MAX") / 60_000,
  ],
  ["docs/webhooks.md", /but after at most (\d+) hour/, limitOf("WEBHOOK_RETRY_AFTER_MS_MAX") / 3_600_000],
  ["docs/webhooks.md", /\| (\d+) such answers, at least a day/, limitOf("WEBHOOK_EVENT_BUDGET")],
  [
    "docs/webhooks.md",
    /\| (\d+) such answers, about an hour/,
    limitOf("WEBHOOK_EVENT_BUDGET") / limitOf("WEBHOOK_REFUSAL_COST"),
  ],
  ["docs/webhooks.md", /set aside for one webhook \| (\d+) events/, limitOf("WEBHOOK_DEAD_LETTERS_MAX")],
  ["docs/webhooks.md", /log of one webhook \| (\d+) tries/, limitOf("WEBHOOK_LOG_ROWS")],
  ["docs/webhooks.md", /in at most (\d+) characters/, limitOf("WEBHOOK_ERROR_CHARS_MAX")],
  ["docs/webhooks.md", /\| webhooks \| (\d+) \|/, limitOf("WEBHOOKS_MAX")],
  ["docs/webhooks.md", /\| (\d+) events or 64 MiB/, limitOf("WEBHOOK_QUEUE_ROWS_MAX")],
  ["docs/webhooks.md", /\| \d+ events or (\d+) MiB/, limitOf("WEBHOOK_QUEUE_BYTES_MAX") / (UNITS["MiB"] ?? 0)],
  ["docs/instances.md", /(\d+) minutes by default/, Number.parseInt(OPTIONS.stale_after.fallback, 10)],
  ["docs/instances.md", /stored every (\d+) seconds and at a shutdown/, limitOf("INSTANCE_FLUSH_INTERVAL_MS") / 1000],
  ["docs/instances.md", /in memory, stored every (\d+) seconds/, limitOf("AGENT_METRICS_FLUSH_INTERVAL_MS") / 1000],
  ["docs/instances.md", /kept for (\d+) days/, limitOf("AGENT_METRICS_DAYS")],
  ["docs/instances.md", /secret, (\d+) random bits/, limitOf("INSTANCE_TOKEN_BYTES") * 8],
  ["docs/messages.md", /for (\d+) days, or until/, limitOf("MESSAGE_DAYS")],
  ["docs/messages.md", /An in-box holds at most (\d+) unread messages/, limitOf("IN_BOX_UNREAD_MAX")],
  ["docs/tasks.md", /gains one priority every (\d+) minutes/, limitOf("TASK_AGING_MS") / 60_000],
  ["docs/tasks.md", /after (\d+), 4 and 16 seconds/, limitOf("TASK_BACKOFF_MS") / 1000],
  ["docs/tasks.md", /after 1, (\d+) and 16 seconds/, limitOf("TASK_BACKOFF_FACTOR")],
  ["docs/tasks.md", /at most (\d+) hour later/, limitOf("TASK_BACKOFF_MS_MAX") / 3_600_000],
  ["docs/tasks.md", /For (\d+) seconds only the agent that asked/, limitOf("TASK_RESERVED_MS") / 1000],
  ["docs/tasks.md", /deleted (\d+) days after it ended/, limitOf("TASK_RETENTION_MS_DEFAULT") / 86_400_000],
  ["docs/llm-usage.md", /at most\s+(\d+) hours or days with usage/, limitOf("USAGE_SERIES_INTERVALS_MAX")],
  ["docs/llm-usage.md", /and (\d+) sums of groups in all/, limitOf("USAGE_SERIES_SUMS_MAX")],
  ["docs/contracts.md", /At most (\d+) live tests can run/, limitOf("CONTRACT_TESTS_MAX")],
  ["docs/state.md", /The newest (\d+) versions of a key/, limitOf("STATE_HISTORY_DEFAULT")],
  ["docs/configuration.md", /is answered, for at most (\d+) seconds/, limitOf("SHUTDOWN_DRAIN_MS") / 1000],
  ["docs/configuration.md", /gathered for up to (\d+) ms/, limitOf("LOG_DELAY_MS")],
  ["docs/configuration.md", /Past (\d+) MiB of unwritten lines/, limitOf("LOG_BUFFER_BYTES_MAX") / (UNITS["MiB"] ?? 0)],
  ["docs/architecture.md", /lists of more than (\d+) rows/, limitOf("FRONT_READ_ROWS_MAX")],
  ["docs/architecture.md", /A\s+batch\s+holds\s+at\s+most\s+(\d+) calls or 16 MiB/, limitOf("BATCH_CALLS_MAX")],
  [
    "docs/architecture.md",
    /A\s+batch\s+holds\s+at\s+most\s+512 calls or (\d+) MiB/,
    limitOf("BATCH_BYTES_MAX") / (UNITS["MiB"] ?? 0),
  ],
  ["docs/architecture.md", /Every (\d+)th version of a key/, limitOf("VERSION_MARK_INTERVAL")],
  [
    "docs/architecture.md",
    /as complete answers: at most (\d+) MiB/,
    limitOf("HOT_CACHE_BYTES_MAX") / (UNITS["MiB"] ?? 0),
  ],
  ["docs/architecture.md", /no value above (\d+) KiB/, limitOf("HOT_CACHE_VALUE_BYTES_MAX") / (UNITS["KiB"] ?? 0)],
  ["docs/architecture.md", /ring\s+of\s+at\s+most\s+(\d+)\s+references/, limitOf("SUBSCRIBER_BUFFER_EVENTS_MAX")],
  ["docs/architecture.md", /restarts after ([\d.]+) s, or at most 5 s/, limitOf("WRITER_RESTART_DELAY_MS") / 1000],
  ["docs/architecture.md", /or at most (\d+) s after repeated crashes/, limitOf("WRITER_RESTART_DELAY_MS_MAX") / 1000],
  ["docs/architecture.md", /writes get 503 after (\d+) s/, limitOf("SQLITE_BUSY_TIMEOUT_MS") / 1000],
  [
    "docs/security.md",
    /message of more than (\d+) MiB/,
    limitOf("SUBSCRIBER_MESSAGE_RECEIVED_BYTES_MAX") / (UNITS["MiB"] ?? 0),
  ],
  [
    "docs/http-api.md",
    /sends a message of more than (\d+) KiB/,
    limitOf("SUBSCRIBER_MESSAGE_BYTES_MAX") / (UNITS["KiB"] ?? 0),
  ],
  ["docs/architecture.md", /while it is answered: at most (\d+) MiB/, limitOf("LIST_BYTES_MAX") / (UNITS["MiB"] ?? 0)],
  ["docs/architecture.md", /\((\d+) to 3 threads\)/, limitOf("POOL_THREADS_MIN")],
  ["docs/architecture.md", /\(1 to (\d+) threads\)/, limitOf("POOL_THREADS_MAX")],
  ["docs/troubleshooting.md", /body larger than (\d+) bytes/, limitOf("BODY_BYTES_MAX")],
  ["docs/deployment.md", /wait at least (\d+) seconds for an answer/, limitOf("LONG_POLL_WAIT_S_MAX")],
];

t.test("quoted limits are those of schemas/limits", (t) => {
  for (const [what = "", value = "", constant = ""] of tableRows(section("docs/http-api.md", "### Limits"))) {
    const name = constant.replaceAll("`", "");
    const [, digits, unit = ""] = /^(\d+) ?(\w*)$/.exec(value) ?? [];
    const bound = limitOf(name);
    t.equal(
      Number(digits) * (UNITS[unit] ?? Number.NaN),
      name.includes("_MS") ? bound / 1000 : bound,
      `${what}: ${value}`,
    );
  }
  for (const [name, says, bound] of QUOTED) {
    // The text may be wrapped anywhere.
    const anywhere = new RegExp(says.source.replaceAll(" ", "\\s+"), says.flags);
    const found = anywhere.exec(page(name))?.[1];
    t.equal(found === "once" ? 1 : Number(found), bound, `${name}: ${says.source}`);
  }
  t.end();
});

t.test("the patterns of docs/events.md match as the table says", (t) => {
  const rows = tableRows(section("docs/events.md", "## Patterns")).filter((row) => row.length === 3);
  t.ok(rows.length >= 10);
  for (const [shown = "", matching = "", other = ""] of rows) {
    const pattern = compilePattern(codeIn(shown)[0] ?? "");
    if (pattern instanceof Failure) {
      t.fail(`${shown}: ${pattern.message}`);
      continue;
    }
    for (const topic of codeIn(matching)) t.ok(pattern.matches(topic), `${pattern.text} matches ${topic}`);
    for (const topic of codeIn(other)) t.notOk(pattern.matches(topic), `${pattern.text} does not match ${topic}`);
  }
  t.end();
});

/** Returns the words of a shell command without their quotes, until the first operator of the shell. */
function shellWords(command: string): string[] {
  const words = [...command.matchAll(/'([^']*)'|"([^"]*)"|(\S+)/g)].map(
    (match) => match[1] ?? match[2] ?? match[3] ?? "",
  );
  const end = words.findIndex((word) => /^([|#<>&)]|2>)/.test(word));
  return end < 0 ? words : words.slice(0, end);
}

t.test("commands in the documents exist, and so do their flags", (t) => {
  const serverFlags = new Set([...Object.keys(OPTIONS).map(flagOf), "--config", "--version", "--help"]);
  let commands = 0;
  for (const [path, text] of OURS) {
    for (const [, program = "", rest = ""] of text.matchAll(
      /(?:^|\$ |`|-- |\$\()(koor-cli|koor-server|koor|npm start --) ((?:'[^'\n]*'|"[^"\n]*"|[^`\n)'"])*)/gm,
    )) {
      const words = shellWords(rest);
      commands += 1;
      if (program === "koor-server" || program === "npm start --") {
        for (const word of words)
          if (word.startsWith("--")) t.ok(serverFlags.has(word.split("=")[0] ?? ""), `${path}: ${program} ${word}`);
        continue;
      }
      const line = readTokens(words, COMMANDS);
      if (line instanceof CliFailure) {
        t.fail(`${path}: ${program} ${rest}`);
        continue;
      }
      const row = findRow(line.words, COMMANDS);
      t.ok(row, `${path}: ${program} ${rest}`);
      const flags = new Set((row?.flags ?? []).map((flag) => `--${flag.name}`));
      // After two dashes it is another program's flag.
      const dashes = line.tokens.indexOf("--");
      for (const token of dashes < 0 ? line.tokens : line.tokens.slice(0, dashes))
        if (token.startsWith("--")) t.ok(flags.has(token.split("=")[0] ?? ""), `${path}: ${program} ${rest}: ${token}`);
    }
    const known = new Set([
      ...serverFlags,
      ...COMMANDS.flatMap((row) => row.flags ?? []).map((flag) => `--${flag.name}`),
      "--json",
      "--pretty",
      "--data-binary",
      "--bindd",
      "--slow",
      "--name",
    ]);
    // The flags of git are its own.
    for (const code of codeIn(withoutBlocks(text)).filter((one) => !one.startsWith("git "))) {
      for (const [, flag = ""] of code.matchAll(/(?:^|[\s(])(--[a-z][a-z-]*)/g))
        t.ok(known.has(flag), `${path}: ${code}`);
    }
  }
  t.ok(commands > 15);
  t.end();
});

/** A shorter text of the program is not distinctive. */
const DISTINCTIVE_CHARACTERS = 8;

/** Returns the fixed parts of each text of the program, in their order; between two of them a value is inserted. */
function programTexts(): string[][] {
  const sources = ["src", "cli", "deploy"].flatMap((folder) =>
    readdirSync(join(ROOT, folder), { recursive: true, encoding: "utf8" }).map((name) => join(folder, name)),
  );
  return sources
    .filter((path) => /\.(ts|mjs)$/.test(path) && !path.endsWith(".test.ts"))
    .flatMap((path) =>
      [...readFileSync(join(ROOT, path), "utf8").matchAll(/"((?:[^"\\\n]|\\.)*)"|`((?:[^`\\]|\\.)*)`/g)].flatMap(
        (match) => {
          const pieces = (match[1] ?? match[2] ?? "").split(/\$\{[^}]*\}/);
          return pieces.some((piece) => piece.length >= DISTINCTIVE_CHARACTERS) ? [pieces] : [];
        },
      ),
    );
}

/** Whether a message can be this text of the program. */
function isText(pieces: readonly string[], message: string): boolean {
  // Most texts differ in a fixed part, which is found sooner than a pattern is compiled.
  if (!pieces.every((piece) => message.includes(piece))) return false;
  const pattern = pieces.map((piece) => piece.replace(/[.*+?^${}()|[\]\\]/g, "\\$&")).join(".+");
  return new RegExp(`^${pattern}$`).test(message);
}

t.test("the messages of docs/troubleshooting.md are the program's", (t) => {
  const texts = programTexts();
  const headings = [...page("docs/troubleshooting.md").matchAll(/^### `(.*)`$/gm)].map((match) => match[1] ?? "");
  t.ok(headings.length > 15);
  for (const heading of headings) {
    const [, quoted] = /"error":("(?:[^"\\]|\\.)*")/.exec(heading) ?? [];
    const message = quoted === undefined ? heading.replace(/^koor(-server)?: /, "") : (JSON.parse(quoted) as string);
    t.ok(
      texts.some((pieces) => isText(pieces, message)),
      heading,
    );
  }
  t.end();
});
