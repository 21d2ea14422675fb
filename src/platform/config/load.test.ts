/**
 * Tests how settings are loaded: each option from each source, the precedence of the sources, and the one-line error
 * for each mistake.
 */
import { join } from "node:path";
import t from "tap";
import { OPTIONS, environmentOf, flagOf, type Config, type Option, type OptionKey } from "../../../schemas/config.js";
import { parseDuration } from "../../../shared/duration.js";
import { ConfigError, helpText, loadConfig } from "./load.js";

const OPTION_ROWS = Object.entries(OPTIONS) as readonly (readonly [OptionKey, Option])[];

function configOf(argv: readonly string[], environment: NodeJS.ProcessEnv = {}): Config {
  const invocation = loadConfig(argv, environment);
  if (invocation.kind !== "serve") throw new Error(`the command line asks for ${invocation.kind}`);
  return invocation.config;
}

function refusalOf(argv: readonly string[], environment: NodeJS.ProcessEnv = {}): string {
  try {
    loadConfig(argv, environment);
  } catch (error) {
    if (error instanceof ConfigError) return error.message;
    throw error;
  }
  return "accepted";
}

/**
 * Returns three values for an option, which differ from each other and from the default. Each value has two forms: the
 * text that an operator writes, and the parsed value.
 */
function valuesOf(option: Option): readonly (readonly [text: string, value: unknown])[] {
  switch (option.type) {
    case "switch":
      return [0, 1, 2].map(() => [String(!option.fallback), !option.fallback] as const);
    case "count":
      return [
        ["1", 1],
        ["2", 2],
        ["3", 3],
      ];
    case "duration":
      return [
        ["90s", 90_000],
        ["1h30m", 5_400_000],
        ["500ms", 500],
      ];
    case "choice": {
      const others = option.choices.filter((choice) => choice !== option.fallback);
      return [0, 1, 2].map((at) => [others[at % others.length] ?? "", others[at % others.length]] as const);
    }
    case "list":
      return [
        ["a", ["a"]],
        ["b,c", ["b", "c"]],
        ["d", ["d"]],
      ];
    case "log or empty":
      return ["nats://h1:1", "tls://h2:2,h3:3", "postgres://u@h4/d"].map((text) => [text, text] as const);
    case "url or empty":
      return ["http://h1:1", "https://h2", "http://[::1]:4318/otlp/"].map((text) => [text, text] as const);
    case "name":
    case "name or empty":
      return ["n1", "n_2", "n-3"].map((text) => [text, text] as const);
    default:
      return [
        ["h1:1", "h1:1"],
        ["h2:2", "h2:2"],
        ["h3:3", "h3:3"],
      ];
  }
}

/** Creates a directory with a settings file. Returns the path of the file. */
function settingsFile(test: { testdir(content: Record<string, string>): string }, content: unknown): string {
  return join(
    test.testdir({ "settings.json": typeof content === "string" ? content : JSON.stringify(content) }),
    "settings.json",
  );
}

t.test("defaults", (t) => {
  const config = configOf([]);
  for (const [key, option] of OPTION_ROWS)
    t.same(config[key], option.type === "duration" ? parseDuration(option.fallback) : option.fallback, key);
  t.match(config, {
    bind: "localhost:9800",
    dashboard_bind: "localhost:9847",
    data_dir: ".",
    auth_token: "",
    log_level: "info",
  });
  t.end();
});

t.test("flags override the environment, the file and the defaults in this order, for every option", (t) => {
  const fromFile = Object.fromEntries(
    OPTION_ROWS.map(([key, option]) => [key, valuesOf(option)[2]?.[option.type === "duration" ? 0 : 1]]),
  );
  const file = settingsFile(t, fromFile);
  for (const [key, option] of OPTION_ROWS) {
    const [flag, variable, inFile] = valuesOf(option);
    const environment = { [environmentOf(key)]: variable?.[0] };
    const words = option.type === "switch" ? [`${flagOf(key)}=${flag?.[0] ?? ""}`] : [flagOf(key), flag?.[0] ?? ""];
    t.same(configOf([...words, "--config", file], environment)[key], flag?.[1], `${flagOf(key)} wins`);
    t.same(configOf(["--config", file], environment)[key], variable?.[1], `${environmentOf(key)} beats the file`);
    t.same(configOf(["--config", file])[key], inFile?.[1], `${key} from the file beats the default`);
  }
  t.equal(configOf([], { [environmentOf("state_events")]: "false" }).state_events, false);
  t.end();
});

t.test("an address of HTTP has nothing that would be sent elsewhere or twice", (t) => {
  t.equal(configOf(["--otlp", ""]).otlp, "");
  const wrong = ["h1:4318", "grpc://h1:4317", "http://", "http://u:p@h1", "http://h1?k=v", "http://h1#a", "http://h 1"];
  for (const text of wrong)
    t.throws(() => configOf(["--otlp", text]), { message: /^--otlp must be http:\/\/HOST:PORT/ }, text);
  t.end();
});

t.test("the ways to write a flag", (t) => {
  t.equal(configOf(["--bind=h:1"]).bind, "h:1");
  t.equal(configOf(["-bind", "h:1"]).bind, "h:1", "one dash, as in Go's flags");
  t.equal(configOf(["--bind", "h:1", "--bind", "h:2"]).bind, "h:2", "the last one counts");
  t.equal(configOf(["--auth-token=a=b"]).auth_token, "a=b");
  t.equal(configOf(["--auth-token", "--bind"]).auth_token, "--bind", "a value may look like a flag");
  t.equal(configOf(["--dashboard-bind", ""]).dashboard_bind, "");
  t.equal(configOf(["--dashboard-bind="]).dashboard_bind, "");
  t.equal(configOf(["--state-events"]).state_events, true);
  t.equal(
    configOf(["--state-events=false"], { KOOR_STATE_EVENTS: "1" }).state_events,
    false,
    "a flag overrides the variable, also to turn the option off",
  );
  t.same(configOf(["--allow-host", "a, b", "--allow-host=c,"]).allow_host, ["a", "b", "c"]);
  for (const [text, on] of [
    ["1", true],
    ["true", true],
    ["0", false],
    ["false", false],
    ["", false],
  ] as const) {
    t.equal(configOf([], { KOOR_STATE_EVENTS: text }).state_events, on, `KOOR_STATE_EVENTS=${text}`);
  }
  t.end();
});

t.test("help and version take precedence over other arguments", (t) => {
  for (const word of ["--help", "-h"]) t.same(loadConfig(["--bind", "h:1", word, "stray"], {}), { kind: "help" });
  for (const word of ["--version", "-v"]) t.same(loadConfig([word], {}), { kind: "version" });
  const help = helpText();
  for (const [key] of OPTION_ROWS) t.match(help, `${flagOf(key)} `, `${flagOf(key)} is in the help`);
  t.match(help, "--config FILE");
  t.end();
});

t.test("refused settings, each with its error line", (t) => {
  const rows: readonly (readonly [argv: readonly string[], line: string | RegExp])[] = [
    [["--ci-token", "x"], "--ci-token needs --auth-token"],
    [["stray"], 'unexpected argument "stray"'],
    [["--bind", "h:1", "stray"], 'unexpected argument "stray"'],
    [["--nope"], "unknown flag --nope"],
    [["--nope=1"], "unknown flag --nope"],
    [["--data_dir", "x"], "unknown flag --data_dir: did you mean --data-dir?"],
    [["--bnd=h:1"], "unknown flag --bnd: did you mean --bind?"],
    [["--"], "unknown flag --"],
    [["-"], /^unknown flag -/],
    [["--toString"], "unknown flag --toString"],
    [["--__proto__"], "unknown flag --__proto__"],
    [["--bind"], "--bind needs a value"],
    [["--config"], "--config needs a value"],
    [["--bind", "localhost"], '--bind must be HOST:PORT, not "localhost"'],
    [["--bind", ""], '--bind must be HOST:PORT, not ""'],
    [["--data-dir", ""], "--data-dir must not be empty"],
    [["--data-dir= "], "--data-dir must not be empty"],
    [["--dashboard-bind", "x"], '--dashboard-bind must be HOST:PORT, not "x"'],
    [["--bind", "h:70000"], /^--bind must be HOST:PORT/],
    [["--log-level", "loud"], '--log-level must be one of debug, info, warn, error, not "loud"'],
    [["--log-level", "INFO"], /^--log-level must be one of/],
    [["--log-format", "xml"], '--log-format must be one of text, json, not "xml"'],
    [["--state-history", "-1"], '--state-history must be a non-negative integer, not "-1"'],
    [["--state-history", "1.5"], /^--state-history must be/],
    [["--state-history", ""], /^--state-history must be/],
    [["--event-history", "many"], /^--event-history must be/],
    [["--event-history", "99999999999999999999"], /^--event-history must be/],
    [["--stale-after", "5"], '--stale-after must be a duration like 90s or 5m, not "5"'],
    [["--stale-after", "0s"], /^--stale-after must be a duration/],
    [["--task-retention", "30d"], '--task-retention must be a duration like 90s or 5m, not "30d"'],
    [["--stale-after", "-1m"], /^--stale-after must be a duration/],
    [["--liveness-interval", "999us"], /^--liveness-interval must be a duration/],
    [["--liveness-interval", ""], /^--liveness-interval must be a duration/],
    [["--cluster", "redis://u:secret@h"], "--cluster must begin with nats://, tls:// or postgres://"],
    [["--cluster", "nats://"], /^--cluster must begin with/],
    [["--cluster-name", ""], /^--cluster-name must be 1 to 64 letters/],
    [["--cluster-name", "a.b"], '--cluster-name must be 1 to 64 letters, digits, "_" and "-": not "a.b"'],
    [
      ["--node-id", "a b"],
      /^--node-id must be 1 to 64 letters, digits, "_", "-" and, but for the first, ".": not "a b"$/,
    ],
    [["--cluster-creds", "a\0b"], "--cluster-creds must not contain a NUL"],
    [["--state-events=maybe"], "--state-events takes no value"],
    [["--data-dir", "a\0b"], "--data-dir must not contain a NUL"],
    [["--config", "/nowhere/settings.json"], "cannot read /nowhere/settings.json: no such file"],
    [["--config", "/"], /^cannot read \/: /],
  ];
  for (const [argv, line] of rows) t.match(refusalOf(argv), line, argv.join(" "));
  t.equal(refusalOf([], { KOOR_BIND: "nowhere" }), 'KOOR_BIND must be HOST:PORT, not "nowhere"');
  t.match(
    refusalOf(["--bind", "h:1"], { KOOR_BIND: "nowhere" }),
    /^KOOR_BIND/,
    "a variable that a flag overrides is checked, too",
  );
  t.equal(refusalOf([], { KOOR_DATA_DIR: "" }), "KOOR_DATA_DIR must not be empty");
  t.equal(refusalOf([], { KOOR_STATE_EVENTS: "maybe" }), 'KOOR_STATE_EVENTS must be true or false, not "maybe"');
  t.equal(refusalOf([], { KOOR_CONFIG: "/nowhere/else.json" }), "cannot read /nowhere/else.json: no such file");
  for (const [argv] of rows) t.notMatch(refusalOf(argv), "\n", "one line");
  t.end();
});

t.test("a file of the wrong shape", (t) => {
  const shapes: readonly (readonly [content: unknown, line: RegExp])[] = [
    ["", /settings\.json is not valid JSON$/],
    ["{", /settings\.json is not valid JSON$/],
    ["bind: x", /settings\.json is not valid JSON$/],
    ["[]", /settings\.json must hold a JSON object$/],
    ["null", /settings\.json must hold a JSON object$/],
    [{ bind: 9800 }, /^bind must be a string$/],
    [{ bind: null }, /^bind must be a string$/],
    [{ data_dir: "" }, /^data_dir must not be empty$/],
    [{ bind: "x" }, /^bind must be HOST:PORT, not "x"$/],
    [{ auth_token: true }, /^auth_token must be a string$/],
    [{ log_level: "loud" }, /^log_level must be one of/],
    [{ state_history: "10" }, /^state_history must be a non-negative integer, not "10"$/],
    [{ state_history: -1 }, /^state_history must be/],
    [{ stale_after: 300 }, /^stale_after must be a string$/],
    [{ stale_after: "soon" }, /^stale_after must be a duration like 90s or 5m, not "soon"$/],
    [{ state_events: "true" }, /^state_events must be true or false$/],
    [{ state_events: 1 }, /^state_events must be true or false$/],
    [{ allow_host: "a" }, /^allow_host must be an array of strings$/],
    [{ allow_host: [1] }, /^allow_host must be an array of strings$/],
  ];
  for (const [content, line] of shapes)
    t.match(refusalOf(["--config", settingsFile(t, content)]), line, JSON.stringify(content));
  t.equal(
    refusalOf(["--config", settingsFile(t, { bind: 9800 }), "--bind", "h:1"]),
    "bind must be a string",
    "a setting that a flag overrides is checked, too",
  );
  t.end();
});

t.test("a file that has other keys, and the sources of its name", (t) => {
  const file = settingsFile(
    t,
    '\uFEFF{"server":"http://elsewhere:1","token":"x","unknown":[],"__proto__":{"bind":"evil:1"},"bind":"h:1"}',
  );
  t.equal(configOf(["--config", file]).bind, "h:1", "unknown members are ignored");
  t.equal(configOf([], { KOOR_CONFIG: file }).bind, "h:1", "--config has its variable too");
  t.equal(configOf(["--config", file], { KOOR_CONFIG: "/nowhere" }).bind, "h:1", "and overrides it");
  const before = process.cwd();
  t.teardown(() => process.chdir(before));
  process.chdir(join(file, ".."));
  t.equal(configOf([]).bind, "h:1", "./settings.json is read if it exists");
  t.equal(configOf([], { KOOR_BIND: "v:1" }).bind, "v:1");
  process.chdir("/");
  t.equal(configOf([]).bind, "localhost:9800", "and need not exist");
  t.end();
});
