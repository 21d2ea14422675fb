/** Tests that adding Koor's entry to the file of an MCP client changes nothing else in the file. */
import * as fc from "fast-check";
import t from "tap";
import { CliFailure } from "./failure.js";
import { CLIENT_NAMES, mcpClient, type ClientName, type Connection } from "./mcp-clients.js";
import { mergeEntry } from "./mcp-merge.js";

const SERVER_HERE = "http://localhost:9800";
const URL_HERE = `${SERVER_HERE}/mcp`;
const PLAIN: Connection = { server: SERVER_HERE, others: [], withToken: false, bridged: false };
const TOKEN: Connection = { ...PLAIN, withToken: true };
const BRIDGED: Connection = { ...PLAIN, bridged: true };

function merge(client: ClientName, text: string | undefined, connection = PLAIN): string {
  const merged = mergeEntry(mcpClient(client), text, connection);
  if (typeof merged !== "string") throw new Error(merged.message);
  return merged;
}

function refusal(client: ClientName, text: string): string {
  const merged = mergeEntry(mcpClient(client), text, PLAIN);
  return merged instanceof CliFailure ? merged.message : "";
}

const JSON_CLIENTS = [
  ["claude", ".mcp.json", "mcpServers", "http", "${KOOR_TOKEN}", {}, { KOOR_TOKEN: "${KOOR_TOKEN}" }],
  ["cursor", ".cursor/mcp.json", "mcpServers", "http", "${env:KOOR_TOKEN}", {}, { KOOR_TOKEN: "${env:KOOR_TOKEN}" }],
  ["kilo", ".kilocode/mcp.json", "mcpServers", "streamable-http", "${env:KOOR_TOKEN}", {}, {}],
  ["vscode", ".vscode/mcp.json", "servers", "http", "${env:KOOR_TOKEN}", { type: "stdio" }, {}],
] as const;

for (const [client, path, group, type, reference, programType, programToken] of JSON_CLIENTS) {
  t.test(`${client}: the entry is merged into ${path}`, (t) => {
    t.equal(mcpClient(client).path, path);
    t.same(JSON.parse(merge(client, undefined)), { [group]: { koor: { type, url: URL_HERE } } });
    t.same(JSON.parse(merge(client, " \n", TOKEN)), {
      [group]: { koor: { type, url: URL_HERE, headers: { Authorization: `Bearer ${reference}` } } },
    });
    t.same(JSON.parse(merge(client, "{}")), { [group]: { koor: { type, url: URL_HERE } } });
    t.same(JSON.parse(merge(client, `{"${group}":{}}`)), { [group]: { koor: { type, url: URL_HERE } } });
    const others =
      `{\n  "inputs": [1.0, {"a":2}],\n  "${group}": {\n    "other": {"command":"x",   "n": 1e2},\n` +
      '    "last": {}\n  },\n  "z": null\n}\n';
    const merged = merge(client, others);
    t.same(JSON.parse(merged), {
      ...(JSON.parse(others) as object),
      [group]: { other: { command: "x", n: 100 }, last: {}, koor: { type, url: URL_HERE } },
    });
    t.ok(merged.startsWith(others.slice(0, others.indexOf('"last": {}'))), "other content stays byte for byte");
    t.ok(merged.endsWith('\n  },\n  "z": null\n}\n'));
    t.equal(merge(client, merged), merged, "a second time changes nothing");
    t.same(
      (
        JSON.parse(merge(client, merged, { ...TOKEN, server: "http://h:1" })) as Record<
          string,
          Record<string, { readonly url: string }>
        >
      )[group]?.["koor"]?.url,
      "http://h:1/mcp",
      "an old entry is replaced",
    );
    const program = { ...programType, command: "koor-cli", args: ["mcp", "stdio"], env: { KOOR_SERVER: SERVER_HERE } };
    t.same(JSON.parse(merge(client, undefined, BRIDGED)), { [group]: { koor: program } });
    t.same(
      JSON.parse(merge(client, merged, { ...BRIDGED, withToken: true })),
      {
        ...(JSON.parse(merged) as object),
        [group]: {
          other: { command: "x", n: 100 },
          last: {},
          koor: { ...program, env: { ...program.env, ...programToken } },
        },
      },
      "an entry over HTTP is replaced as a whole",
    );
    for (const broken of ["{", "{}}", "/* a comment\n{}", "[]", "5", '"x"', `{"${group}":[]}`, `{"${group}":"x"}`])
      t.match(refusal(client, broken), path, broken);
    t.end();
  });
}

t.test("JSON with comments keeps its comments", (t) => {
  const entry = '"koor": {\n      "type": "http",\n      "url": "http://localhost:9800/mcp"\n    }';
  const before =
    '// ours\n{\n  /* "servers": {} */\n  "servers": {\n    // the first\n' +
    '    "a": { "url": "http://x//y", }, // "koor": {}\n    "b": {}, /* , */\n  },\n  "inputs": [ ], // none\n}\n';
  t.equal(merge("vscode", before), before.replace("/* , */", `/* , */\n    ${entry}`));
  t.equal(merge("vscode", merge("vscode", before)), merge("vscode", before), "a second time changes nothing");
  t.equal(merge("vscode", "// ours\n{}\n"), `// ours\n{\n  "servers": {\n    ${entry}\n  }\n}\n`);
  t.equal(merge("vscode", "{\n  // nothing yet\n}\n"), `{\n  // nothing yet\n  "servers": {\n    ${entry}\n  }\n}\n`);
  t.match(merge("vscode", '{ "servers": { /* none */ } }'), /\/\* none \*\/[^]*"koor"/);
  t.end();
});

t.test("other content of a JSON file stays", (t) => {
  const servers = fc.dictionary(
    fc.string().filter((name) => name !== "koor" && name !== "__proto__"),
    fc.jsonValue(),
  );
  const file = fc.record({
    rest: fc.dictionary(
      fc.string().filter((name) => name !== "mcpServers" && name !== "__proto__"),
      fc.jsonValue(),
    ),
    servers: fc.option(servers, { nil: undefined }),
    indent: fc.constantFrom(0, 2, 4),
  });
  fc.assert(
    fc.property(file, ({ rest, servers: group, indent }) => {
      const before = { ...rest, ...(group === undefined ? {} : { mcpServers: group }) };
      const after = JSON.parse(merge("claude", JSON.stringify(before, null, indent))) as Record<string, unknown>;
      const wanted = { ...before, mcpServers: { ...group, koor: { type: "http", url: URL_HERE } } };
      return JSON.stringify(sorted(after)) === JSON.stringify(sorted(JSON.parse(JSON.stringify(wanted))));
    }),
  );
  t.pass("for any of them");
  t.end();
});

/** Returns a copy whose objects, at every depth, have their members in alphabetical order. */
function sorted(value: unknown): unknown {
  if (Array.isArray(value)) return value.map((one) => sorted(one));
  if (typeof value !== "object" || value === null) return value;
  return Object.fromEntries(
    Object.entries(value)
      .toSorted(([a], [b]) => (a < b ? -1 : 1))
      .map(([name, one]) => [name, sorted(one)]),
  );
}

const OURS = `[mcp_servers.koor]\nurl = "${URL_HERE}"\n`;

t.test("codex: the entry is merged into .codex/config.toml", (t) => {
  t.equal(mcpClient("codex").path, ".codex/config.toml");
  t.equal(merge("codex", undefined), OURS);
  t.equal(merge("codex", undefined, TOKEN), `${OURS}bearer_token_env_var = "KOOR_TOKEN"\n`);
  const program =
    '[mcp_servers.koor]\ncommand = "koor-cli"\nargs = ["mcp","stdio"]\n' +
    'env = { KOOR_SERVER = "http://localhost:9800" }\n';
  t.equal(merge("codex", OURS, BRIDGED), program);
  t.equal(
    merge("codex", merge("codex", undefined, TOKEN), { ...BRIDGED, withToken: true }),
    `${program}env_vars = ["KOOR_TOKEN"]\n`,
  );
  const others =
    'model = "o" # [mcp_servers.koor]\nlist = [\n  "[mcp_servers.koor]",\n  1,\n]\n\n[mcp_servers.other]\n' +
    'text = """\n[mcp_servers.koor]\n"""\nraw = \'\'\'\n[mcp_servers.koor]\'\'\'\ntable = { a = "]", b = [1, 2] }\n';
  t.equal(merge("codex", others), `${others}\n${OURS}`);
  t.equal(merge("codex", merge("codex", others)), merge("codex", others), "a second time changes nothing");
  t.equal(merge("codex", 'model = "o"'), `model = "o"\n\n${OURS}`, "without a newline at the end");
  t.equal(merge("codex", `a = 1\r\n[b]\r\nc = 2\r\n`), `a = 1\r\n[b]\r\nc = 2\r\n\r\n${OURS.replaceAll("\n", "\r\n")}`);
  t.equal(
    merge(
      "codex",
      `a = 1\n[mcp_servers."koor"] # old\ncommand = "x"\n[mcp_servers.koor.env]\nA = "b"\n\n# about z\n[z]\nb = 2\n`,
      TOKEN,
    ),
    `a = 1\n${OURS}bearer_token_env_var = "KOOR_TOKEN"\n\n# about z\n[z]\nb = 2\n`,
    "an old entry is replaced with everything that belongs to it, in its place",
  );
  t.equal(
    merge("codex", "[mcp_servers]\n[mcp_servers.koor2]\nurl = 'x'\n"),
    `[mcp_servers]\n[mcp_servers.koor2]\nurl = 'x'\n\n${OURS}`,
  );
  t.equal(merge("codex", '"mcp_servers".a.url = "x"\n'), `"mcp_servers".a.url = "x"\n\n${OURS}`);
  t.equal(merge("codex", "[[mcp_servers.koor]]\n[[mcp_servers.koor]]\n[z]\n"), `${OURS}[z]\n`, "a list of entries");
  for (const other of [
    "mcp_servers = {}",
    'mcp_servers.koor.url = "x"',
    '[mcp_servers]\nkoor = { url = "x" }',
    '[mcp_servers]\nkoor.url = "x"',
    "[[mcp_servers]]",
  ]) {
    t.match(refusal("codex", other), /cannot be added to/, other);
  }
  for (const broken of [
    "[a",
    "a",
    "a = [1, 2",
    'a = "x',
    'a = """x',
    "a = {b = 1",
    "a = ]",
    "= 1",
    "[a]]",
    "{",
    "a = 'x\ny'",
    "a =\n",
  ])
    t.match(refusal("codex", broken), /not valid TOML/, broken);
  t.end();
});

t.test("other content of a TOML file stays, byte for byte", (t) => {
  const like = (text: string, lines: string): string =>
    text.includes("\r\n") ? lines.replaceAll("\n", "\r\n") : lines;
  const endWith = (text: string, end: string): string => text.replace(/(?:\r?\n)*$/, "") + end;
  const value = fc.oneof(
    fc.constantFrom(
      "1",
      "0x10",
      "12345678901234567890",
      "true",
      "2026-01-01T00:00:00.123456789Z",
      "[]",
      "{}",
      '"\\"[x]"',
      "'[mcp_servers.koor]'",
      '"""\n[mcp_servers.koor]\n\\""""',
      "'''\n[mcp_servers.koor]\n'''''",
      '[\n  "a", # [mcp_servers.koor]\n  [1],\n]',
      '{ a = "}", b = [ "]" ] }',
    ),
    fc.string().map((text) => JSON.stringify(text.replaceAll(/[^ -~]/g, "x"))),
  );
  const note = fc.constantFrom("", "\n", "# [mcp_servers.koor]\n", "  # ]\n\n");
  const end = fc.constantFrom("\n", "  # [x]\n", "\r\n");
  const lines = fc
    .array(fc.tuple(note, fc.constantFrom("a", "b.c", '"q [x]"', "'l'"), value, end), { maxLength: 3 })
    .map((all) => all.map(([before, key, text, after], at) => `${before}k${at}.${key} = ${text}${after}`).join(""));
  const heads = fc.constantFrom("[t]", "[[v]]", ' [ w . "x" ] # [y]', "[mcp_servers.other]");
  const tables = fc
    .uniqueArray(fc.tuple(heads, lines), { selector: ([head]) => head, maxLength: 4 })
    .map((all) => all.map(([head, text]) => `${head}\n${text}`).join(""));
  const old = fc.constantFrom('[mcp_servers.koor] # ours\ncommand = "x" # y\n', '[mcp_servers."koor"]\nenv = {\n}\n');
  fc.assert(
    fc.property(lines, tables, old, note, (first, others, ours, gap) => {
      const appended = merge("codex", `${first}${others}`);
      const replaced = merge("codex", `${first}${ours}${gap}${others}`);
      const text = `${first}${others}`;
      const before = `${first}${ours}${gap}${others}`;
      return (
        appended === (text.trim() === "" ? like(text, OURS) : endWith(text, like(text, "\n\n")) + like(text, OURS)) &&
        merge("codex", appended) === appended &&
        replaced === `${first}${like(before, OURS)}${gap}${others}`
      );
    }),
  );
  t.pass("for any of them");
  t.end();
});

t.test("a client that cannot take the token over HTTP says so", (t) => {
  const notes = CLIENT_NAMES.flatMap((client) =>
    [PLAIN, TOKEN, BRIDGED, { ...TOKEN, bridged: true }].map(
      (connection) => mcpClient(client).note?.(connection) !== undefined && [client, connection],
    ),
  );
  const without = CLIENT_NAMES.filter((client) => !mcpClient(client).sendsToken);
  t.same(without, ["kilo", "copilot", "kimi", "cline"]);
  t.same(
    notes.filter((one) => one !== false),
    without.map((client) => [client, TOKEN]),
  );
  t.end();
});

t.test("the other clients have entries in their own dialects", (t) => {
  const url = URL_HERE;
  const bearer = (reference: string): object => ({ headers: { Authorization: `Bearer ${reference}` } });
  const rows = [
    ["gemini", "project", ".gemini/settings.json", "mcpServers", { httpUrl: url }, bearer("${KOOR_TOKEN}")],
    ["qwen", "project", ".qwen/settings.json", "mcpServers", { httpUrl: url }, bearer("${KOOR_TOKEN}")],
    ["copilot", "home", ".copilot/mcp-config.json", "mcpServers", { type: "http", tools: ["*"], url }, {}],
    ["kimi", "home", ".kimi-code/mcp.json", "mcpServers", { transport: "http", url }, {}],
    [
      "cline",
      "home",
      ".cline/data/settings/cline_mcp_settings.json",
      "mcpServers",
      { type: "streamableHttp", url },
      {},
    ],
    ["opencode", "project", "opencode.json", "mcp", { type: "remote", url, enabled: true }, bearer("{env:KOOR_TOKEN}")],
  ] as const;
  for (const [client, place, path, group, entry, headers] of rows) {
    t.match(mcpClient(client), { place, path }, client);
    t.same(JSON.parse(merge(client, undefined)), { [group]: { koor: entry } }, client);
    t.same(JSON.parse(merge(client, undefined, TOKEN)), { [group]: { koor: { ...entry, ...headers } } }, client);
    t.match(merge(client, undefined, BRIDGED), /"koor-cli"[^]*"stdio"[^]*"KOOR_SERVER"/, client);
  }
  t.end();
});
