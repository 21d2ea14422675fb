/**
 * Tests the answers of completion, with the real command table and a fake server. shells.test.ts tests completion in
 * real shells.
 */
import { writeFileSync, mkdirSync } from "node:fs";
import { join } from "node:path";
import t, { type Test } from "tap";

import { DIRECTIONS } from "../../schemas/contracts.js";
import { LEASE_SCOPES, LEASE_STATES } from "../../schemas/leases.js";
import { MESSAGE_BOXES, MESSAGE_IMPORTANCES, MESSAGE_INTENTS } from "../../schemas/messages.js";
import { MATCH_TYPES, RULE_STATUSES, SEVERITIES } from "../../schemas/rules.js";
import { TASK_STATES } from "../../schemas/tasks.js";
import { TEMPLATE_KINDS } from "../../schemas/templates.js";
import { WAIT_STATUSES } from "../../schemas/wait.js";
import { FakeServer, replyError, replyJson, type Reply } from "../../test/cli/fake-server.js";
import { runCli, runProgram } from "../../test/cli/run-cli.js";
import { COMMANDS } from "../commands.js";
import { SHELLS } from "./scripts.js";
import { answerCompletion } from "./answer.js";
import { readBashLine } from "./shell-line.js";

const BREAKS = " \t\n\"'><=;|&(:";
/** The limit for the fake server, which always answers faster. */
const TIMEOUT_MS = 60_000;

interface Bench {
  readonly fake: FakeServer;
  readonly cwd: string;
  /** Returns the lines of the answer. The last word is the one that is completed. */
  readonly ask: (...words: string[]) => Promise<readonly string[]>;
  /** Returns the values of the answer, without their descriptions. */
  readonly values: (...words: string[]) => Promise<readonly string[]>;
  readonly bash: (line: string) => Promise<readonly string[]>;
}

async function setUp(t: Test, answers: Readonly<Record<string, unknown>> = {}): Promise<Bench> {
  const fake = await FakeServer.start();
  t.teardown(() => fake.stop());
  fake.answer = ({ url }): Reply => {
    const [path = ""] = url.split("?");
    return Object.hasOwn(answers, path) ? replyJson(answers[path]) : replyError(404, "there is no such thing");
  };
  const place = { folder: t.testdir(), environment: { KOOR_SERVER: fake.url }, timeoutMs: TIMEOUT_MS };
  const lines = async (argv: readonly string[]): Promise<readonly string[]> => {
    const answer = await answerCompletion(argv, place);
    return answer.split("\n").slice(0, -1);
  };
  const ask = (...words: string[]): Promise<readonly string[]> => lines(["words", ...words]);
  return {
    fake,
    cwd: place.folder,
    ask,
    values: async (...words) => (await ask(...words)).slice(1).map((line) => line.split("\t")[0] ?? ""),
    bash: async (line) => (await lines(["bash", line, BREAKS])).slice(1),
  };
}

t.test("commands and their words come from the command table", async (t) => {
  const { fake, values, ask } = await setUp(t);
  t.same(
    (await values("")).toSorted(),
    [...new Set(["help", ...COMMANDS.map(({ words }) => words[0])])].toSorted(),
    "every command",
  );
  t.same(fake.requests, [], "the server is not asked");
  const nouns = new Set(COMMANDS.map(({ words }) => words[0]));
  for (const noun of nouns) {
    const verbs = COMMANDS.filter(({ words }) => words[0] === noun && words.length > 1).map(({ words }) => words[1]);
    const found = await values(noun, "");
    for (const verb of verbs) t.ok(found.includes(verb ?? ""), `${noun} ${verb ?? ""}`);
  }
  t.same(await ask("stat"), [
    "values",
    "state\tlist|get|set|delete|history|rollback|diff",
    "status\tShow whether the server is healthy, and its uptime.",
  ]);
  t.same(await values("help", "state", "ro"), ["rollback"]);
  t.same(await values("state", "gett", ""), [], "nothing follows a command that there is not");
});

t.test("flags come from the command table", async (t) => {
  const { fake, values } = await setUp(t);
  for (const row of COMMANDS.filter(({ words }) => words[0] !== "serve")) {
    const found = new Set(await values(...row.words, "-"));
    for (const { name } of row.flags ?? []) t.ok(found.has(`--${name}`), `${row.words.join(" ")} --${name}`);
    for (const common of ["--json", "--pretty", "--server", "--help"]) t.ok(found.has(common), common);
  }
  t.notMatch(await values("state", "list", "--limit", "3", "--l"), ["--limit"], "a flag is given once");
  t.same(await values("task", "add", "--label", "a", "--lab"), ["--label"], "except one with many values");
  t.same(await values("state", "list", "--limit", ""), [], "a number is not completed");
  t.same(await values("state", "get", "--", "--p"), [], "no flags follow two dashes");
  t.same(await values("whoami", "--p"), ["--pretty"]);
  t.ok((await values("whoami", "")).includes("--workspace"), "flags are shown where nothing else can follow");
  t.same(
    fake.requests.map(({ url }) => url),
    ["/api/state?limit=500&prefix=--p"],
  );
});

t.test("words that flags take are those that the server takes", async (t) => {
  const { values } = await setUp(t);
  const rows: readonly (readonly [readonly string[], readonly string[]])[] = [
    [["contract", "validate", "p/n", "--direction"], DIRECTIONS],
    [
      ["lease", "list", "--state"],
      [...LEASE_STATES, "all"],
    ],
    [["lease", "acquire", "--scope"], LEASE_SCOPES],
    [["message", "send", "--intent"], MESSAGE_INTENTS],
    [["message", "send", "--importance"], MESSAGE_IMPORTANCES],
    [["message", "list", "--box"], MESSAGE_BOXES],
    [["rules", "list", "--status"], RULE_STATUSES],
    [["rules", "propose", "--severity"], SEVERITIES],
    [["rules", "propose", "--match-type"], MATCH_TYPES],
    [["task", "list", "--state"], TASK_STATES],
    [["templates", "create", "--kind"], TEMPLATE_KINDS],
    [["wait", "--is"], WAIT_STATUSES],
    [
      ["init", "--policy"],
      ["warn", "auto", "strict"],
    ],
    [["completion"], SHELLS],
  ];
  for (const [words, expected] of rows) t.same(await values(...words, ""), expected, words.join(" "));
  t.same(await values("rules", "list", "--status=a"), ["--status=accepted"], "after an equals sign, too");
});

const INSTANCES = [
  { id: "0b-1", name: "ana", workspace: "trucks", stack: "go", capabilities: ["review"], intent: "fixes\nthe build" },
  { id: "0c-2", name: "bob", workspace: "trucks", stack: "", capabilities: [], intent: "" },
];

t.test("names come from the server", async (t) => {
  const { fake, ask, values, bash } = await setUp(t, {
    "/api/instances": INSTANCES,
    "/api/leases": { leases: [{ id: "lease-1", holder: { name: "ana" }, resources: ["path:src/**", "db"] }] },
    "/api/tasks": { tasks: [{ id: "api", state: "ready", title: "The API" }] },
    "/api/state": [{ key: "plans/build" }, { key: "plans/login" }],
    "/api/specs": { projects: [{ project: "a b", specs: 1 }] },
    "/api/specs/a%20b": { project: "a b", specs: [{ name: "orders" }] },
    "/api/rules": { rules: [{ project: "trucks", rule_id: "no-panic", message: "do not panic" }] },
    "/api/templates": [{ id: "go", name: "Go" }],
    "/api/webhooks": [{ id: "ci", url: "http://127.0.0.1:9/" }],
    "/api/events/history": [{ topic: "build.done" }, { topic: "build.done" }],
    "/api/budgets": { budgets: [{ id: "trucks-day", state: "ok", target: "trucks" }] },
    "/api/evidence": [{ id: "evidence-1", command: "npm test" }],
    "/api/llm/limits": { limits: [{ id: "limit-1", provider: "acme", account: "team" }] },
  });
  t.same(await ask("instances", "get", ""), ["values", "0b-1\tana, fixes\\nthe build", "0c-2\tbob"]);
  t.same(await ask("lease", "renew", ""), ["values", "lease-1\tana path:src/** db"]);
  t.same(await ask("task", "claim", ""), ["values", "api\tready, The API"]);
  t.same(await values("state", "get", "plans/l"), ["plans/login"]);
  t.equal(fake.requests.at(-1)?.url, "/api/state?limit=500&prefix=plans%2Fl", "the server selects by the beginning");
  t.same(await values("specs", "get", ""), ["a b/"]);
  t.same(await values("contract", "get", "a b/o"), ["a b/orders"]);
  t.same(await values("rules", "accept", ""), ["trucks/no-panic"]);
  t.same(await values("templates", "apply", ""), ["go"]);
  t.same(await values("webhooks", "log", ""), ["ci"]);
  t.same(await values("events", "subscribe", ""), ["build.done"], "each once");
  const recipients = ["name:ana\tfixes\\nthe build, trucks", "name:bob\ttrucks", "workspace:trucks"];
  t.same(await ask("message", "send", ""), ["values", ...recipients], "as the server takes them");
  t.same(await bash("koor message send name:a"), ["ana"], "bash breaks words at colons");
  for (const verb of ["get", "set", "check"]) t.same(await values("rules", verb, ""), ["trucks"], `rules ${verb}`);
  t.same(await ask("budget", "remove", ""), ["values", "trucks-day\tok, trucks"]);
  t.same(await ask("evidence", "get", ""), ["values", "evidence-1\tnpm test"]);
  t.same(await ask("llm", "end-limit", ""), ["values", "limit-1\tacme, team"]);
  t.same(await values("instances", "list", "--workspace", ""), ["trucks"]);
  t.same(await values("instances", "list", "--stack", ""), ["go"]);
  t.same(await values("instances", "list", "--capability="), ["--capability=review"]);
  t.same(await values("lease", "release", "lease-1", ""), ["lease-1"], "an argument with many values");
  t.same(await ask("state", "set", "k", "--file", ""), ["files"]);
  t.same(await ask("lease", "run", "db", "--", "ma"), ["commands"]);
});

t.test("names that could mislead are left out or escaped", async (t) => {
  const odd = ["it's", 'a "b" $c `d` \\e', "ключ", "two words", "-5", "a:b=c"];
  const hostile = ["line\nvalues", "tab\tx", "\u001b[31mred", "rtl\u202etxt", "zero\u200bwidth", "del\u007f"];
  const { values, bash } = await setUp(t, { "/api/state": [...odd, ...hostile].map((key) => ({ key })) });
  t.same(await values("state", "get", ""), odd);
  t.same(await bash("koor state get "), [
    "it\\'s",
    'a\\ \\"b\\"\\ \\$c\\ \\`d\\`\\ \\\\e',
    "ключ",
    "two\\ words",
    "-5",
    "a:b=c",
  ]);
  t.same(await bash('koor state get "a '), ['a \\"b\\" \\$c \\`d\\` \\\\e'], "within quotation marks");
  t.same(await bash("koor state get 'it"), ["it'\\''s"]);
  t.same(await bash("koor state get it\\'"), ["it\\'s"]);
  t.same(await bash("KOOR_X=1 koor-cli state get a:"), ["b=c"], "bash keeps what is before the colon");
  t.same(await bash("koor rules list --status=a"), ["accepted"], "and before the equals sign");
});

t.test("a line of bash is read as bash reads it", (t) => {
  const read = (line: string) => readBashLine(line, BREAKS);
  t.same(read("koor "), { earlier: [], current: "", kept: 0, quote: "" });
  t.same(read("koor"), { earlier: [], current: "koor", kept: 0, quote: "" });
  t.same(read(`koor a'b c'd "e\\"f" g\\ h`), { earlier: [`ab cd`, 'e"f'], current: "g h", kept: 0, quote: "" });
  t.same(read(`koor "a b`), { earlier: [], current: "a b", kept: 0, quote: '"' });
  t.same(read(`koor --x='y z`), { earlier: [], current: "--x=y z", kept: 4, quote: "'" });
  t.same(read(`koor '' x`), { earlier: [""], current: "x", kept: 0, quote: "" });
  t.same(read("koor a\\:b"), { earlier: [], current: "a:b", kept: 0, quote: "" });
  t.end();
});

t.test("without a server, commands and flags are completed", async (t) => {
  const { fake, values, cwd } = await setUp(t);
  await fake.stop();
  t.same(await values("state", "ge"), ["get"]);
  t.same(await values("state", "get", ""), []);
  for (const answer of ["close", "half", { body: "no JSON" }, replyJson(null), replyJson([null, 1, { key: 2 }])]) {
    const other = await setUp(t);
    other.fake.answer = () => answer as Reply;
    t.same(await other.values("state", "get", ""), [], JSON.stringify(answer));
  }
  const environment = { KOOR_SERVER: "no URL" };
  t.equal(
    await answerCompletion(["words", "state", "get", ""], { folder: cwd, environment, timeoutMs: 1 }),
    "values\n",
  );
  t.equal(await answerCompletion(["other"], { folder: cwd, environment, timeoutMs: 1 }), "");
});

t.test("a server that does not answer is not waited for", async (t) => {
  const { fake, cwd } = await setUp(t);
  let seen = (): void => undefined;
  const asked = new Promise<void>((resolve) => (seen = resolve));
  fake.answer = () => {
    seen();
    return { body: new Uint8Array(0) as Buffer, headers: { "Content-Length": "5" } };
  };
  const environment = { KOOR_SERVER: fake.url };
  const answer = answerCompletion(["words", "state", "get", ""], { folder: cwd, environment, timeoutMs: 500 });
  await asked;
  t.equal(await answer, "values\n");
});

t.test("a token goes where the rules for tokens say", async (t) => {
  const { fake, cwd } = await setUp(t, { "/api/state": [] });
  mkdirSync(join(cwd, ".koor"));
  writeFileSync(join(cwd, ".koor", "project.json"), JSON.stringify({ server: fake.url }));
  const ask = async (environment: NodeJS.ProcessEnv): Promise<string | undefined> => {
    await answerCompletion(["words", "state", "get", ""], { folder: cwd, environment, timeoutMs: TIMEOUT_MS });
    return fake.requests.at(-1)?.headers.authorization;
  };
  t.equal(await ask({ KOOR_TOKEN: "secret" }), undefined, "not to a server that only the folder names");
  t.equal(fake.requests.length, 1, "which is asked without one");
  t.equal(await ask({ KOOR_TOKEN: "secret", KOOR_SERVER: fake.url }), "Bearer secret");
  const words = ["words", "state", "get", "--server", fake.url, ""];
  await answerCompletion(words, { folder: cwd, environment: { KOOR_TOKEN: "secret" }, timeoutMs: TIMEOUT_MS });
  t.equal(fake.requests.at(-1)?.headers.authorization, "Bearer secret", "--server of the line counts");
});

t.test("names that the command would read as flags are left out", async (t) => {
  const keys = ["--server=http://evil.example", "-h", "plan"].map((key) => ({ key }));
  const { values, bash } = await setUp(t, { "/api/state": keys });
  t.same(await values("state", "get", ""), ["plan"]);
  t.same(await bash("koor state get "), ["plan"]);
  t.notMatch(await values("state", "get", "--se"), ["--server=http://evil.example"]);
  t.same(await values("state", "get", "--", ""), ["--server=http://evil.example", "-h", "plan"], "after two dashes");
});

t.test("the program prints scripts, and never an error for Tab", async (t) => {
  const { fake, cwd } = await setUp(t);
  const env = { KOOR_SERVER: fake.url };
  for (const shell of SHELLS) {
    const { code, stdout } = await runCli(["completion", shell], { cwd, env });
    t.match({ code, stdout }, { code: 0, stdout: "command koor __complete" }, shell);
    t.notMatch(stdout, /PROGRAM|rollback/, "nothing of the commands is in it");
  }
  t.match(await runCli(["completion", "tcsh"], { cwd, env }), { code: 2, stderr: "bash, zsh, fish" });
  writeFileSync(join(cwd, "settings.json"), "{");
  for (const words of [[], ["words"], ["words", "state", "get", ""], ["bash"], ["x", "\u0000".slice(1)]])
    t.match(await runProgram(["__complete", ...words], { cwd }), { code: 0, stderr: "" }, words.join(" "));
  t.match(await runProgram(["__complete", "words", "state", "ge"], { cwd, env }), { stdout: "values\nget\tPrint" });
});
