/**
 * Tests the output on a terminal: tables, records, colors, `--fields`, the help with its examples and topics, and
 * suggestions for misspelt words. Checks that a pipe always gets the same JSON.
 */
import { execFileSync } from "node:child_process";
import { readFileSync } from "node:fs";
import t, { type Test } from "tap";

import { FakeServer, replyJson } from "../test/cli/fake-server.js";
import { runAtTerminal, runCli, terminalMissing } from "../test/cli/run-cli.js";
import { checkLine } from "./command-class.js";
import { findRow, readTokens } from "./command-line.js";
import type { CommandContext } from "./command-row.js";
import { COMMANDS } from "./commands.js";
import { CliFailure } from "./failure.js";
import { loadNounRows } from "./noun-rows.js";
import { HELP_TOPIC_NAMES } from "./help-topic-names.js";
import { HELP_TOPICS } from "./help-topics.js";
import { findNearest } from "../shared/nearest.js";
import { LISTS } from "./output/lists.js";

/** The start of each terminal code for a color. */
const COLOR = "\u001b[";
const TASKS = {
  tasks: [
    { id: "api", state: "ready", title: "The orders API", holder: null, priority: 5, big: 0 },
    { id: "tax", state: "claimed", title: "日本の税", holder: { id: "i", name: "ana" }, priority: 9, big: 0 },
  ],
};
/**
 * An answer with a number that JavaScript cannot represent exactly. A command that parses the answer would change the
 * number.
 */
const ANSWER = JSON.stringify(TASKS).replaceAll('"big":0', '"big":12345678901234567890');

async function setUp(t: Test) {
  const fake = await FakeServer.start();
  t.teardown(() => fake.stop());
  fake.answer = () => ({ body: ANSWER });
  const cwd = t.testdir();
  const env = { KOOR_SERVER: fake.url };
  const run = (terminal: number | undefined, more: Readonly<Record<string, string>>, ...args: string[]) =>
    runCli(args, { cwd, env: { ...env, ...more }, ...(terminal === undefined ? {} : { terminal }) });
  return { fake, cwd, env, run };
}

t.test("a pipe gets the answer byte for byte, a terminal a table", async (t) => {
  const { run } = await setUp(t);
  t.equal((await run(undefined, {}, "task", "list")).stdout, `${ANSWER}\n`);
  t.equal((await run(80, {}, "task", "list", "--json")).stdout, `${ANSWER}\n`, "--json always gives JSON");
  t.match((await run(80, {}, "task", "list", "--pretty")).stdout, /^\{\n {2}"tasks": \[\n/);
  t.equal(
    (await run(80, { NO_COLOR: "1" }, "task", "list")).stdout,
    "ID   STATE    TITLE           HOLDER  PRIORITY\n" +
      "api  ready    The orders API                 5\n" +
      "tax  claimed  日本の税        ana            9\n",
  );
});

t.test("colors are for terminals that want them", async (t) => {
  const { run } = await setUp(t);
  t.match((await run(80, {}, "task", "list")).stdout, COLOR);
  t.match((await run(80, { NO_COLOR: "" }, "task", "list")).stdout, COLOR, "an empty variable is not set");
  for (const [more, ...args] of [[{ NO_COLOR: "1" }], [{ TERM: "dumb" }], [{}, "--no-color"], [{}, "--json"]] as const)
    t.notMatch(
      (await run(80, more, "task", "list", ...args)).stdout,
      COLOR,
      `${JSON.stringify(more)} ${args.join("")}`,
    );
});

t.test("--fields selects members, as JSON or as columns", async (t) => {
  const { fake, run } = await setUp(t);
  const fields = ["--fields", "id,holder.name,big"];
  const selected =
    '{"tasks":[{"id":"api","holder":null,"big":12345678901234567890},' +
    '{"id":"tax","holder":{"name":"ana"},"big":12345678901234567890}]}\n';
  t.match(await run(undefined, {}, "task", "list", ...fields), { code: 0, stdout: selected, stderr: "" });
  t.equal((await run(80, {}, "task", "list", "--json", ...fields)).stdout, selected);
  t.equal(
    (await run(80, { NO_COLOR: "1" }, "task", "list", ...fields)).stdout,
    "ID   HOLDER.NAME                   BIG\n" +
      "api               12345678901234567890\n" +
      "tax  ana          12345678901234567890\n",
  );
  const unknown = await run(undefined, {}, "task", "list", "--fields=id,nope");
  t.match(unknown, { code: 0, stderr: "koor: the answer has no member nope (--fields)\n" });
  fake.answer = () => ({ body: '{"a":1.0,"b":2}', type: "text/plain" });
  t.equal((await run(undefined, {}, "state", "get", "k", "--fields", "a")).stdout, '{"a":1.0}\n', "of a stored value");
  fake.answer = () => ({ body: "text", type: "text/plain" });
  t.match(await run(undefined, {}, "state", "get", "k", "--fields", "a"), { code: 2, stdout: "" });
  const before = fake.requests.length;
  for (const wrong of [["--fields"], ["--fields", ""], ["--fields", "a,,b"], ["--fields", "--json"]])
    t.match(await run(undefined, {}, "task", "list", ...wrong), { code: 2, stdout: "" }, wrong.join(" "));
  t.equal(fake.requests.length, before, "wrong usage sends nothing");
});

t.test("one record has a line for each member", async (t) => {
  const { fake, run } = await setUp(t);
  fake.answer = () => replyJson({ status: "ok", uptime: "3s" });
  t.equal((await run(80, { NO_COLOR: "1" }, "status")).stdout, "status  ok\nuptime  3s\n");
  t.equal((await run(80, { NO_COLOR: "1" }, "status", "--fields", "uptime")).stdout, "uptime  3s\n");
  t.equal((await run(undefined, {}, "status")).stdout, '{"status":"ok","uptime":"3s"}\n');
});

t.test("every list has columns, and every declared list a command", (t) => {
  // The row of `at` names no list, because its argument selects one of several.
  const used = new Set([...COMMANDS.map(({ list }) => list), "state_at"]);
  t.same(
    Object.keys(LISTS).filter((name) => !used.has(name as keyof typeof LISTS)),
    [],
  );
  const listing = COMMANDS.filter(({ about }) => about.startsWith("List "));
  t.same(
    listing.filter(({ list }) => list === undefined).map(({ words }) => words.join(" ")),
    [],
    "each command that lists says which list it prints",
  );
  t.end();
});

t.test("the rows of a noun are those of the whole table, and its names are unique", async (t) => {
  for (const noun of new Set(COMMANDS.map(({ words }) => words[0]))) {
    const rows = await loadNounRows(noun);
    t.strictSame(
      rows?.filter(({ words }) => words[0] === noun),
      COMMANDS.filter(({ words }) => words[0] === noun),
      noun,
    );
  }
  for (const noun of ["", "help", "toString"]) t.equal(await loadNounRows(noun), undefined, noun);
  for (const { words, flags = [], arguments: positions = [] } of COMMANDS) {
    const names = [...flags, ...positions].map(({ name }) => name);
    t.equal(new Set(names).size, names.length, words.join(" "));
  }
});

t.test("each command has examples, which it accepts", { skip: process.platform === "win32" && "no sh" }, (t) => {
  const context: CommandContext = {
    program: "koor",
    folder: "/",
    pretty: false,
    json: false,
    server: "",
    contextName: "",
    settings: () => new CliFailure(3, "a check reads no settings"),
  };
  const examples = COMMANDS.flatMap((row) => row.examples.map((example) => ({ row, example })));
  // A shell splits the examples into words, as if a user had pasted them.
  const script = examples.map(({ example }) => `printf '%s\\0' ${example}; printf '\\n'`).join("\n");
  const lines = execFileSync("sh", ["-c", script]).toString().split("\0\n");
  for (const [at, { row, example }] of examples.entries()) {
    const argv = (lines[at] ?? "").split("\0");
    const line = readTokens(argv, COMMANDS);
    if (line instanceof CliFailure) {
      t.fail(`${example}: ${line.message}`);
      continue;
    }
    t.equal(findRow(line.words, COMMANDS), row, `${example} is a call of ${row.words.join(" ")}`);
    // `serve` is skipped, because the server itself parses its flags.
    if (row.words[0] !== "serve") t.equal(checkLine(row, line.tokens, context), undefined, example);
  }
  t.equal(checkLine(COMMANDS[0] as (typeof COMMANDS)[0], ["state", "list", "--nope"], context), "unknown flag --nope");
  t.end();
});

t.test("help has examples, and topics in plain words", async (t) => {
  const { run } = await setUp(t);
  t.match(
    (await run(undefined, {}, "state", "set", "--help")).stdout,
    "\nexamples:\n  koor state set plans/login --data",
  );
  const overview = (await run(undefined, {})).stdout;
  t.equal((await run(undefined, {}, "help")).stdout, overview);
  const page = readFileSync(new URL("../../../docs/cli.md", import.meta.url), "utf8");
  for (const name of HELP_TOPIC_NAMES) {
    const { code, stdout } = await run(undefined, {}, "help", name);
    t.equal(code, 0);
    t.equal(stdout, HELP_TOPICS[name]);
    t.ok(stdout.split("\n").length <= 24, `${name} fits one screen`);
    t.ok(
      stdout.split("\n").every((line) => line.length <= 120),
      `${name} has short lines`,
    );
    t.match(overview, name, `the overview names ${name}`);
    t.ok(page.includes(`\`${name}\``), `docs/cli.md names ${name}`);
    for (const [, words = ""] of stdout.matchAll(/^ {2,}koor ((?:[a-z]+ ?)+)/gm))
      t.ok(findRow(words.trim().split(" "), COMMANDS), `${name}: koor ${words} is a command`);
  }
});

t.test("a misspelt word gets a hint", async (t) => {
  const { fake, run } = await setUp(t);
  const rows: readonly (readonly [args: string, hint: RegExp | undefined])[] = [
    ["tsak list", /no such command: tsak: did you mean task\?/],
    ["state lits", /no such command: state lits: did you mean list\?/],
    ["state list --limt 5", /unknown flag --limt: did you mean --limit\?/],
    ["state list --prety", /unknown flag --prety: did you mean --pretty\?/],
    ["help exit-code", /no such command or topic: exit-code: did you mean exit-codes\?/],
    ["hlep", /no such command: hlep: did you mean help\?/],
    ["state", /^koor: state needs a word more\nstate has: list, get, /],
    ["nonsense", undefined],
    ["state list --nonsense", undefined],
  ];
  for (const [args, hint] of rows) {
    const { code, stdout, stderr } = await run(undefined, {}, ...args.split(" "));
    t.match({ code, stdout }, { code: 2, stdout: "" }, args);
    if (hint === undefined) t.notMatch(stderr, "did you mean", args);
    else t.match(stderr, hint, args);
  }
  t.equal(findNearest("staet", ["state", "specs"]), "state", "swapped neighbours are one error");
  t.equal(findNearest("x".repeat(100_000), ["state"]), undefined);
  t.same(fake.requests, [], "nothing was sent");
});

t.test("a real terminal gets a table of its width", { skip: terminalMissing() }, async (t) => {
  const { cwd, env } = await setUp(t);
  const { code, shown } = await runAtTerminal(["task", "list"], { cwd, env: { ...env, NO_COLOR: "1" } }, []);
  t.equal(code, 0);
  t.match(shown, /^ID {3}STATE {4}TITLE/);
  t.match(shown, "日本の税");
});
