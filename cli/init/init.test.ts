/**
 * Tests `init` and `uninit` with real git repositories. Checks which files they write for each client, and which
 * projects they refuse. A second `init` changes nothing, and `uninit` restores everything.
 */
import {
  chmodSync,
  existsSync,
  lstatSync,
  mkdirSync,
  readFileSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { join } from "node:path";
import t from "tap";

import { replyError, replyJson } from "../../test/cli/fake-server.js";
import { git } from "../../test/cli/git.js";
import { makeProject, snapshot } from "../../test/cli/project.js";
import { runCli } from "../../test/cli/run-cli.js";
import { CLIENT_NAMES, mcpClient } from "../mcp-clients.js";
import { tomlValue } from "../toml-tables.js";
import { CLIENTS } from "./clients.js";

const TOKEN = "a-token-of-the-user";
/** The URL of a server that does not run. */
const AWAY = "http://127.0.0.1:1";
const ALL = ["init", "--yes", ...CLIENT_NAMES.flatMap((name) => ["--client", name])];

interface HookEntry {
  readonly type: string;
  readonly url?: string;
  readonly command?: string;
  readonly bash?: string;
  readonly headers?: Readonly<Record<string, string>>;
  readonly allowedEnvVars?: readonly string[];
}

interface HooksFile {
  readonly hooks: Readonly<Record<string, readonly { readonly hooks: readonly [HookEntry] }[]>>;
}

function entryOf(text: string, event: string): HookEntry | undefined {
  return (JSON.parse(text) as HooksFile).hooks[event]?.[0]?.hooks[0];
}

t.test("init writes the files of one client, and uninit restores the project", async (t) => {
  const { fake, root, home, koor, read, git: run } = await makeProject(t);
  const before = [snapshot(root), snapshot(home)];
  const { code, stdout, stderr } = await koor(["init", "--client", "claude", "--yes"]);
  t.match({ code, stderr }, { code: 0, stderr: "" });
  const workspace = "git.example/acme/trucks";
  t.match(JSON.parse(stdout), {
    workspace,
    server: fake.url,
    clients: ["claude"],
    written: [
      ".koor/project.json",
      "AGENTS.md",
      "CLAUDE.md",
      ".mcp.json",
      ".claude/settings.local.json",
      ".git/info/exclude",
    ],
  });
  t.same(JSON.parse(read(".koor/project.json")), { workspace, server: fake.url, policy: "auto" });
  t.same(JSON.parse(read(".mcp.json")), { mcpServers: { koor: { type: "http", url: `${fake.url}/mcp` } } });
  t.equal(read("CLAUDE.md"), "@AGENTS.md\n");
  const settings = read(".claude/settings.local.json");
  t.match(entryOf(settings, "PreToolUse"), {
    type: "http",
    url: `${fake.url}/api/hooks/claude`,
    headers: {
      "X-Koor-Root": root,
      "X-Koor-Workspace": workspace,
      "X-Koor-Checkout": /^[0-9a-f]{16}$/,
      "X-Koor-Policy": "auto",
    },
  });
  const [stop] = (JSON.parse(settings) as HooksFile).hooks["Stop"] ?? [];
  const reports = { type: "command", command: /koor(?:\.js)? hooks report >\/dev\/null 2>&1 \|\| true$/, async: true };
  t.match((JSON.parse(settings) as HooksFile).hooks["PostToolBatch"]?.[0]?.hooks, [{ type: "http" }, reports]);
  t.match(stop?.hooks, [
    { type: "http" },
    reports,
    {
      type: "command",
      command: /koor(?:\.js)? wait --wake claude \|\| \[ \$\? -ne 2 \] \|\| exit 2$/,
      asyncRewake: true,
    },
  ]);
  const start = entryOf(settings, "SessionStart");
  t.match(start, { type: "command", command: / \|\| true$/ }, "Claude Code sends no SessionStart over HTTP");
  t.equal(run("status", "--porcelain"), "", "git shows nothing");
  t.equal(statSync(join(root, ".koor/init.json")).mode & 0o777, 0o600);

  const after = [snapshot(root), snapshot(home)];
  t.match(JSON.parse((await koor(["init", "--client", "claude", "--yes"])).stdout), { written: [] });
  t.same([snapshot(root), snapshot(home)], after, "twice is once");

  const undone = await koor(["uninit", "--yes"]);
  t.match(undone, { code: 0, stderr: "" });
  t.same([snapshot(root), snapshot(home)], before, "everything is as it was");
  t.match(await koor(["uninit", "--yes"]), { code: 0, stdout: '{"restored":[]}\n', stderr: "" });
});

t.test("all clients: each file parses, has Koor's part, and is restored", async (t) => {
  const { fake, root, home, koor, read, git: run } = await makeProject(t);
  const before = [snapshot(root), snapshot(home)];
  t.match(await koor(ALL), { code: 0, stderr: "" });
  const after = [snapshot(root), snapshot(home)];
  for (const name of CLIENT_NAMES) {
    const { place, path } = mcpClient(name);
    const text = readFileSync(join(place === "home" ? home : root, path), "utf8");
    t.match(text, `${fake.url}/mcp`, `${name}: ${path}`);
    const { file, format } = CLIENTS[name].hooks;
    const folder = file.place === "home" ? home : root;
    if (format.kind === "plugin") {
      t.equal(readFileSync(join(folder, file.path), "utf8"), format.text, name);
      continue;
    }
    if (format.kind === "scripts") {
      for (const event of format.events) {
        const script = join(folder, file.path, event);
        t.equal(statSync(script).mode & 0o777, 0o755, `${name} ${event}`);
        t.match(readFileSync(script, "utf8"), /^#!\/bin\/sh\n[^]* \|\| true\n$/);
      }
      continue;
    }
    const hooks = readFileSync(join(folder, file.path), "utf8");
    if (format.kind === "toml") {
      const value = tomlValue(hooks) as { readonly hooks: readonly { event: string; command: string }[] };
      t.same(
        value.hooks.map(({ event }) => event),
        format.events,
        name,
      );
      for (const { command } of value.hooks) t.match(command, /koor-hook.* kimi 2>\/dev\/null \|\| true$/);
      continue;
    }
    const parsed = JSON.parse(hooks) as { readonly hooks: Readonly<Record<string, readonly unknown[]>> };
    t.same(Object.keys(parsed.hooks).toSorted(), format.events.toSorted(), `${name}: the events`);
    for (const event of format.events) t.equal(parsed.hooks[event]?.length, 1, `${name} ${event}`);
  }
  t.match(JSON.parse(read(".github/hooks/koor.json")), { version: 1 });
  t.match(read(".github/hooks/koor.json"), "/api/hooks/copilot");
  t.equal(run("status", "--porcelain"), "", "git shows nothing");
  t.match(JSON.parse((await koor(ALL)).stdout), { written: [] });
  t.same([snapshot(root), snapshot(home)], after, "twice is once");
  t.match(await koor(["uninit", "--yes"]), { code: 0, stderr: "" });
  t.same([snapshot(root), snapshot(home)], before, "everything is as it was");
});

t.test("each command of a hook ends with || true, and reaches the server", async (t) => {
  const { fake, koor, read } = await makeProject(t);
  fake.answer = () => replyJson({ hookSpecificOutput: { additionalContext: "x" } });
  t.equal((await koor(["init", "--client", "codex", "--yes"], { KOOR_TOKEN: TOKEN })).code, 0);
  const { command = "" } = entryOf(read(".codex/hooks.json"), "PreToolUse") ?? {};
  t.match(command, / \|\| true$/);
  t.notMatch(command, TOKEN);
  fake.requests.length = 0;
  const { execFile } = await import("node:child_process");
  const stdout = await new Promise<string>((resolve, reject) => {
    const child = execFile("/bin/sh", ["-c", command], { encoding: "utf8" }, (error, out) =>
      error === null ? resolve(out) : reject(error),
    );
    child.stdin?.end('{"session_id":"s"}');
  });
  t.match(stdout, /additionalContext/);
  t.match(fake.requests, [
    {
      method: "POST",
      url: "/api/hooks/codex",
      headers: { authorization: `Bearer ${TOKEN}`, "x-koor-policy": "auto", "x-koor-checkout": /^[0-9a-f]{16}$/ },
    },
  ]);
  t.equal(fake.requests[0]?.body.toString(), '{"session_id":"s"}');
});

t.test("the token is in one file of the user's, and nowhere else", async (t) => {
  const { fake, root, home, koor, read } = await makeProject(t);
  const dry = await koor([...ALL, "--dry-run"], { KOOR_TOKEN: TOKEN });
  t.notMatch(dry.stdout + dry.stderr, TOKEN);
  t.equal((await koor(ALL, { KOOR_TOKEN: TOKEN })).code, 0);
  const path = `.config/koor/hooks/${encodeURIComponent(fake.url)}.header`;
  const holders = [root, home].flatMap((folder) =>
    Object.entries(snapshot(folder)).flatMap(([name, content]) => (content.includes(TOKEN) ? [[name, content]] : [])),
  );
  t.same(holders, [[path, `600 Authorization: Bearer ${TOKEN}\n`]]);
  t.match(entryOf(read(".claude/settings.local.json"), "Stop"), {
    headers: { Authorization: "Bearer $KOOR_TOKEN" },
    allowedEnvVars: ["KOOR_TOKEN"],
  });
  t.match(
    readFileSync(join(home, ".kimi-code/mcp.json"), "utf8"),
    "koor-cli",
    "a client without variables: the bridge",
  );
  // The environment has no token any more, and only the folder's file names the server.
  fake.requests.length = 0;
  t.equal((await koor(["state", "list"], { KOOR_SERVER: "" })).code, 0);
  t.match(fake.requests, [{ headers: { authorization: `Bearer ${TOKEN}` } }], "commands in the project use it");
  t.equal((await koor(["uninit", "--yes"])).code, 0);
  t.ok(existsSync(join(home, path)), "the user's token stays");
});

t.test("a token that only the settings have is not expected in a client's environment", async (t) => {
  const { home, koor, read } = await makeProject(t);
  mkdirSync(join(home, ".config/koor"), { recursive: true });
  writeFileSync(join(home, ".config/koor/settings.json"), JSON.stringify({ token: TOKEN }));
  t.equal((await koor(["init", "--client", "claude", "--yes"])).code, 0);
  t.match(entryOf(read(".claude/settings.local.json"), "PreToolUse"), { type: "command", command: / -H @/ });
});

t.test("with https, Claude Code sends no hooks itself", async (t) => {
  const { koor, read } = await makeProject(t);
  t.equal((await koor(["init", "--client", "claude", "--yes", "--server", "https://127.0.0.1:1"])).code, 0);
  t.match(entryOf(read(".claude/settings.local.json"), "PreToolUse"), { type: "command" });
});

t.test("a server that is away is named, and the rest is done", async (t) => {
  const { koor, read } = await makeProject(t);
  const { code, stdout } = await koor(["init", "--client", "codex", "--yes", "--server", AWAY]);
  t.equal(code, 0);
  t.match(stdout, /the server does not answer: cannot reach/);
  t.match(JSON.parse(read(".koor/project.json")), { server: AWAY });
});

t.test("without a terminal it needs --yes or --dry-run", async (t) => {
  const { root, koor } = await makeProject(t);
  const before = snapshot(root);
  t.match(await koor(["init", "--client", "claude"]), { code: 2, stdout: "", stderr: /--yes/ });
  for (const wrong of [
    ["--client", "emacs"],
    ["--policy", "never"],
    ["--workspace", "a\u0007"],
    ["--join", "ftp://x"],
    ["--server", "x"],
    ["--join", AWAY, "--server", AWAY],
  ])
    t.match(await koor(["init", "--yes", ...wrong]), { code: 2, stdout: "" }, wrong.join(" "));
  const dry = await koor(["init", "--client", "claude", "--dry-run"]);
  t.match(dry, { code: 0, stdout: /^--- \/dev\/null\n\+\+\+ b\/\.koor\/project\.json\n@@ / });
  t.same(snapshot(root), before, "nothing was written");
});

t.test("it works from a subfolder, and in a folder without git", async (t) => {
  const { root, home, env } = await makeProject(t);
  mkdirSync(join(root, "a/b"), { recursive: true });
  const deep = await runCli(["init", "--client", "gemini", "--yes"], { cwd: join(root, "a/b"), env });
  t.equal(deep.code, 0);
  t.ok(existsSync(join(root, ".gemini/settings.json")));
  const plain = join(home, "plain");
  mkdirSync(plain);
  t.match(await runCli(["init", "--client", "qwen", "--yes", "--guard"], { cwd: plain, env }), {
    code: 1,
    stderr: /git/,
  });
  t.same(snapshot(plain), {});
  t.equal((await runCli(["init", "--client", "qwen", "--yes"], { cwd: plain, env })).code, 0);
  t.match(JSON.parse(readFileSync(join(plain, ".koor/project.json"), "utf8")), { workspace: "plain" });
  t.equal((await runCli(["uninit", "--yes"], { cwd: plain, env })).code, 0);
  t.same(snapshot(plain), {});
});

t.test("a file of a client that git tracks is changed only with --shared", async (t) => {
  const { root, koor, read, write, git: run } = await makeProject(t);
  write(".mcp.json", '{ "mcpServers": {} }\n');
  run("add", ".mcp.json");
  const before = snapshot(root);
  t.match(await koor(["init", "--client", "claude", "--yes"]), { code: 1, stderr: /\.mcp\.json is tracked.*--shared/ });
  t.same(snapshot(root), before);
  t.equal((await koor(["init", "--client", "claude", "--yes", "--shared"])).code, 0);
  t.match(entryOf(read(".claude/settings.json"), "PreToolUse"), { command: "koor-hook claude 2>/dev/null || true" });
  t.notMatch(read(".claude/settings.json"), root, "no path of this machine");
  const shown = run("status", "--porcelain", "--untracked-files=all");
  t.match(shown, /\.koor\/project\.json/, "the project's file can be committed");
  t.notMatch(shown, /\.koor\/init\.json/);
  t.equal((await koor(["uninit", "--yes"])).code, 0);
  t.same(snapshot(root), before);
});

t.test("committed files that only look like Koor's are named before the user trusts them", async (t) => {
  const { home, koor, read, write, git: run } = await makeProject(t);
  const clients = ["init", "--client", "claude", "--client", "codex", "--yes"];
  t.equal((await koor([...clients, "--shared"])).code, 0);
  run("add", "--all");
  // Another user has no record of this project.
  const other = { XDG_CONFIG_HOME: join(home, "other") };
  const warnings = async (): Promise<readonly string[]> => {
    const { code, stdout } = await koor(clients, other);
    t.equal(code, 0);
    const { todo } = JSON.parse(stdout) as { readonly todo: readonly string[] };
    return todo.filter((sentence) => sentence.startsWith("read "));
  };
  t.same(await warnings(), [], "the files are as init --shared writes them");
  write(".codex/hooks.json", read(".codex/hooks.json").replace("koor-hook codex", "koor-hook codex; touch x"));
  write(".mcp.json", '{"mcpServers":{"koor":{"command":"touch","args":["x"]}}}');
  t.match(await warnings(), [/^read \.mcp\.json and \.codex\/hooks\.json before you trust a hook or an MCP server/]);
});

t.test("what does not fit is refused, named, and nothing is written", async (t) => {
  const { root, home, koor, write } = await makeProject(t);
  const outside = join(home, "outside.json");
  writeFileSync(outside, "{}");
  const faults: readonly (readonly [name: string, make: () => void, says: RegExp])[] = [
    [".mcp.json", () => write(".mcp.json", "{"), /\.mcp\.json is not valid JSON/],
    [".mcp.json", () => write(".mcp.json", "[]"), /\.mcp\.json must hold a JSON object/],
    [".mcp.json", () => write(".mcp.json", '{"mcpServers":[]}'), /mcpServers must be an object/],
    [".mcp.json", () => write(".mcp.json", '{"mcpServers":{"koor":1}}'), /koor is not an MCP server/],
    [".mcp.json", () => symlinkSync(outside, join(root, ".mcp.json")), /\.mcp\.json.*leads out/],
    [".claude", () => symlinkSync(home, join(root, ".claude")), /settings\.local\.json.*leads out/],
    [".mcp.json", () => mkdirSync(join(root, ".mcp.json")), /\.mcp\.json.*directory/],
    [".mcp.json", () => writeFileSync(join(root, ".mcp.json"), Buffer.from([0xff, 0xfe])), /not UTF-8/],
    [".claude", () => write(".claude/settings.local.json", '{"hooks":[]}'), /hooks must be an object/],
    [".claude", () => write(".claude/settings.local.json", '{"hooks":{"Stop":{}}}'), /hooks\.Stop must be an array/],
    ["AGENTS.md", () => write("AGENTS.md", "<!-- koor:start -->\nx\n"), /AGENTS\.md.*partner/],
    ["AGENTS.md", () => write("AGENTS.md", "<!-- koor:end -->\n<!-- koor:start -->\n"), /AGENTS\.md.*partner/],
    [".codex", () => write(".codex/config.toml", "[a"), /config\.toml is not valid TOML/],
    [".codex", () => write(".codex/config.toml", "mcp_servers = {}"), /cannot be added to/],
    [".kilo", () => write(".kilo/plugin/koor.js", "mine"), /koor\.js is not Koor's/],
    [".clinerules", () => write(".clinerules/hooks/PreToolUse", "mine"), /PreToolUse is not Koor's/],
    [".koor", () => write(".koor/project.json", "{"), /project\.json/],
  ];
  const clean = snapshot(root);
  for (const [name, make, says] of faults) {
    make();
    const before = [snapshot(root), snapshot(home)];
    t.match(await koor(ALL), { code: 1, stdout: "", stderr: says }, `${name}: ${says.source}`);
    t.same([snapshot(root), snapshot(home)], before, "nothing was written");
    rmSync(join(root, name), { recursive: true });
    t.same(snapshot(root), clean);
  }
  const isRoot = process.getuid?.() === 0;
  if (!isRoot) {
    write(".mcp.json", "{}");
    chmodSync(join(root, ".mcp.json"), 0);
    t.match(await koor(ALL), { code: 1, stderr: /cannot change \.mcp\.json/ });
  }
});

t.test("a link inside of the project stays one, and modes stay", async (t) => {
  const { root, koor, read, write } = await makeProject(t);
  write("real.json", '{"mcpServers":{}}');
  chmodSync(join(root, "real.json"), 0o640);
  symlinkSync("real.json", join(root, ".mcp.json"));
  t.equal((await koor(["init", "--client", "claude", "--yes"])).code, 0);
  t.ok(lstatSync(join(root, ".mcp.json")).isSymbolicLink());
  t.match(read("real.json"), "/mcp");
  t.equal(statSync(join(root, "real.json")).mode & 0o777, 0o640);
  t.equal((await koor(["uninit", "--yes"])).code, 0);
  t.equal(read("real.json"), '{"mcpServers":{}}');
});

t.test("CLAUDE.md gets the import only where Claude Code does not read AGENTS.md yet", async (t) => {
  const { root, koor, read, write } = await makeProject(t);
  const init = async () => t.equal((await koor(["init", "--client", "claude", "--yes"])).code, 0);
  const uninit = async () => t.equal((await koor(["uninit", "--yes"])).code, 0);
  write("CLAUDE.md", "# Ours\r\n");
  await init();
  t.equal(read("CLAUDE.md"), "# Ours\r\n\r\n@AGENTS.md\r\n");
  await uninit();
  t.equal(read("CLAUDE.md"), "# Ours\r\n");
  write("CLAUDE.md", "See @AGENTS.md for more.");
  await init();
  t.equal(read("CLAUDE.md"), "See @AGENTS.md for more.");
  await uninit();
  rmSync(join(root, "CLAUDE.md"));
  write(".claude/CLAUDE.md", "@../AGENTS.md\n");
  await init();
  t.notOk(existsSync(join(root, "CLAUDE.md")));
  await uninit();
  write("AGENTS.md", "ours");
  symlinkSync("AGENTS.md", join(root, "CLAUDE.md"));
  rmSync(join(root, ".claude/CLAUDE.md"));
  await init();
  t.notMatch(read("AGENTS.md"), "@AGENTS.md");
  await uninit();
  t.equal(read("AGENTS.md"), "ours");
});

t.test("the part of AGENTS.md is short", async (t) => {
  const { koor, read } = await makeProject(t);
  t.equal((await koor(["init", "--client", "codex", "--yes"])).code, 0);
  const lines = read("AGENTS.md").trimEnd().split("\n");
  t.equal(lines[0], "<!-- koor:start -->");
  t.equal(lines.at(-1), "<!-- koor:end -->");
  t.ok(lines.length <= 40, `${lines.length} lines`);
});

t.test("a later run adds clients, and uninit takes back all runs", async (t) => {
  const { root, home, koor, read, write } = await makeProject(t);
  write(".gemini/settings.json", '// ours\n{\n  "theme": "dark", // nice\n}');
  const before = [snapshot(root), snapshot(home)];
  t.equal((await koor(["init", "--client", "claude", "--yes"])).code, 0);
  const { stdout } = await koor(["init", "--client", "gemini", "--yes", "--policy", "strict"]);
  t.match(JSON.parse(stdout), { clients: ["claude", "gemini"] });
  t.match(read(".claude/settings.local.json"), /"X-Koor-Policy": "strict"/, "the headers are written again");
  t.match(read(".gemini/settings.json"), /^\/\/ ours\n\{\n {2}"theme": "dark", \/\/ nice\n/);
  t.equal((await koor(["uninit", "--yes"])).code, 0);
  t.same([snapshot(root), snapshot(home)], before);
});

t.test("a file that its client rewrote loses Koor's part only", async (t) => {
  const { root, koor, read, write } = await makeProject(t);
  write(".qwen/settings.json", '{"mcpServers":{},"hooks":{"Stop":[]},"a":1}');
  write("AGENTS.md", "# Ours\n");
  t.equal((await koor(["init", "--client", "qwen", "--yes"])).code, 0);
  const own = { hooks: [{ type: "command", command: "mine" }] };
  const parsed = JSON.parse(read(".qwen/settings.json")) as { hooks: Record<string, unknown[]> };
  parsed.hooks["Stop"]?.push(own);
  write(".qwen/settings.json", `${JSON.stringify({ ...parsed, $version: 3 }, null, 4)}\n`);
  write("AGENTS.md", `${read("AGENTS.md")}More.\n`);
  rmSync(join(root, ".koor/project.json"));
  t.match(await koor(["uninit", "--yes"]), { code: 0, stderr: "" });
  t.same(JSON.parse(read(".qwen/settings.json")), { mcpServers: {}, hooks: { Stop: [own] }, a: 1, $version: 3 });
  t.equal(read("AGENTS.md"), "# Ours\nMore.\n");
  t.notOk(existsSync(join(root, ".koor")), "a file that was deleted stays so");
});

t.test("the second machine joins", async (t) => {
  const { fake, root, home, koor, read, write, git: run } = await makeProject(t);
  write(".koor/project.json", '{"workspace":"w","policy":"strict"}');
  run("add", "--force", ".koor/project.json");
  const before = [snapshot(root), snapshot(home)];
  const joining = ["init", "--client", "codex", "--yes", "--join", fake.url];
  fake.answer = () => replyError(401, "unauthorized");
  t.match(await koor(joining, { KOOR_SERVER: "" }), { code: 1, stderr: /cannot join/ });
  t.match(await koor([...joining.slice(0, -1), AWAY], { KOOR_SERVER: "" }), { code: 1, stderr: /cannot reach/ });
  t.same([snapshot(root), snapshot(home)], before, "nothing was written");
  fake.answer = () => replyJson({ instances: [] });
  t.equal((await koor(joining, { KOOR_SERVER: "" })).code, 0);
  t.equal(read(".koor/project.json"), '{"workspace":"w","policy":"strict"}');
  t.match(read(".codex/hooks.json"), /X-Koor-Workspace: w'.*X-Koor-Policy: strict'/);
  const settings = readFileSync(join(home, ".config/koor/settings.json"), "utf8");
  t.same(JSON.parse(settings), { server: fake.url });
});

t.test("commands on a machine that joins use the server that it joined", async (t) => {
  const { fake, root, home, koor, write } = await makeProject(t);
  write(".koor/project.json", `{"workspace":"w","server":"${AWAY}"}`);
  fake.answer = () => replyJson({ instances: [] });
  const env = { KOOR_SERVER: "" };
  const server = async (): Promise<unknown> => {
    const { stdout } = await koor(["whoami"], env);
    return (JSON.parse(stdout) as { readonly server: unknown }).server;
  };
  t.same(await server(), { url: AWAY, from: ".koor/project.json" });
  const joining = ["init", "--client", "codex", "--yes", "--join", fake.url];
  t.equal((await koor(joining, { ...env, KOOR_TOKEN: "tok-1" })).code, 0);
  t.same(await server(), { url: fake.url, from: "koor init --join" });
  const headers = async (): Promise<unknown> => {
    fake.requests.length = 0;
    await koor(["status"], env);
    return fake.requests.at(-1)?.headers.authorization;
  };
  t.equal(await headers(), "Bearer tok-1", "the token that init has stored goes there");

  const tree = join(home, "tree");
  git(home, root, "worktree", "add", "--quiet", tree);
  const there = await runCli(["whoami"], { cwd: tree, env: { ...env, HOME: home, PATH: process.env["PATH"] ?? "" } });
  t.match(JSON.parse(there.stdout), { server: { url: fake.url } }, "in a linked working tree, too");

  t.equal((await koor(["init", "--client", "cursor", "--yes"], env)).code, 0);
  t.same(await server(), { url: fake.url, from: "koor init --join" }, "a later run keeps it");
  t.equal((await koor(["init", "--client", "cursor", "--yes", "--server", `${AWAY}/x`], env)).code, 0);
  t.same(await server(), { url: `${AWAY}/x`, from: ".koor/project.json" });
  t.equal((await koor(joining, env)).code, 0);
  t.equal((await koor(["uninit", "--yes"], env)).code, 0);
  t.same(await server(), { url: AWAY, from: ".koor/project.json" }, "uninit forgets it");
});

t.test("a machine that joins keeps the shared files as they are committed", async (t) => {
  const { fake, root, home, koor, read, git: run } = await makeProject(t);
  const all = ["codex", "cursor", "opencode"].flatMap((name) => ["--client", name]);
  t.equal((await koor(["init", ...all, "--yes", "--shared"])).code, 0);
  run("add", "--all");
  run("commit", "--quiet", "--message", "share");
  const clone = join(home, "clone");
  git(home, home, "clone", "--quiet", root, clone);
  const before = snapshot(clone);
  const env = { KOOR_SERVER: "", HOME: home, PATH: process.env["PATH"] ?? "" };
  const joined = await runCli(["init", ...all, "--yes", "--join", fake.url], { cwd: clone, env });
  t.match(joined, { code: 0, stderr: "" });
  t.equal(git(home, clone, "status", "--porcelain"), "");
  t.match(read(".codex/hooks.json"), "koor-hook codex");
  t.ok(existsSync(join(clone, ".koor/init.json")), "koor-hook knows the server here");
  t.equal((await runCli(["uninit", "--yes"], { cwd: clone, env })).code, 0);
  t.same(snapshot(clone), before);
});

t.test("working trees share the exclude file, and the last uninit restores it", async (t) => {
  const { root, home, env, koor, read, git: run } = await makeProject(t);
  const before = read(".git/info/exclude");
  const other = join(home, "other");
  run("worktree", "add", "--quiet", other);
  t.equal((await koor(["init", "--client", "claude", "--yes"])).code, 0);
  t.equal((await runCli(["init", "--client", "claude", "--yes"], { cwd: other, env })).code, 0);
  t.equal(git(home, other, "status", "--porcelain"), "");
  t.equal((await koor(["uninit", "--yes"])).code, 0);
  t.equal(git(home, other, "status", "--porcelain"), "", "the other one still needs the lines");
  t.equal((await runCli(["uninit", "--yes"], { cwd: other, env })).code, 0);
  t.equal(read(".git/info/exclude"), before);
  t.notOk(existsSync(join(root, ".koor")));
});

t.test("init --guard guards the commits of all working trees, and the last uninit removes the guard", async (t) => {
  const { root, env, git: run } = await makeProject(t);
  const other = `${root}-2`;
  run("worktree", "add", "--quiet", other);
  const koor = async (cwd: string, ...args: string[]) => (await runCli([...args, "--yes"], { cwd, env })).code;
  const hasGuard = (): boolean => existsSync(join(root, ".git/hooks/pre-commit"));
  t.equal(await koor(root, "init", "--client", "qwen", "--guard"), 0);
  t.equal(await koor(root, "init", "--client", "qwen", "--guard"), 0, "twice is once");
  t.equal(await koor(other, "init", "--client", "qwen", "--guard"), 0);
  t.ok(hasGuard());
  t.equal(await koor(root, "uninit"), 0);
  t.ok(hasGuard(), "the other working tree still has it");
  t.equal(await koor(other, "uninit"), 0);
  t.notOk(hasGuard());
});
