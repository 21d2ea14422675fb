/**
 * Tests what `doctor` reports about clients after a real `koor init`: hooks, MCP entries, trust and tokens. Also tests
 * the lines about the commit guard, in real repositories.
 */
import { chmodSync, mkdirSync, readFileSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import t, { type Test } from "tap";

import { CLI_DOCTOR_FILE_BYTES_MAX } from "../../schemas/limits/cli.js";
import { examine, TOKEN, WRONG_TOKEN, type Examination } from "../../test/cli/doctor.js";
import { answerAsKoor, answerWithToken, type Answers } from "../../test/cli/fake-koor.js";
import { replyError, replyJson } from "../../test/cli/fake-server.js";
import { makeProject, type InitProject } from "../../test/cli/project.js";
import { runCli } from "../../test/cli/run-cli.js";
import { send } from "../../test/support/http-client.js";
import { startKoor } from "../../test/support/server-process.js";
import { CLIENT_NAMES, type ClientName } from "../mcp-clients.js";
import { addressOf, hookTokenPath } from "../hook-token-file.js";
import { ownRecordPath } from "../own-record.js";
import type { Line } from "./line.js";

interface Place extends InitProject {
  readonly doctor: (more?: Readonly<Record<string, string>>) => Promise<Examination>;
  /** Runs `koor init` for these clients. */
  readonly init: (clients: readonly ClientName[], more?: Readonly<Record<string, string>>) => Promise<void>;
  /** The first folder on PATH. Tests put fake programs into it. */
  readonly programs: string;
}

async function makePlace(t: Test): Promise<Place> {
  const project = await makeProject(t);
  const { fake, home, root, env } = project;
  answerAsKoor(fake);
  const programs = join(home, "programs");
  mkdirSync(programs);
  const own = { ...env, PATH: `${programs}:${env["PATH"] ?? ""}`, KOOR_DASHBOARD_BIND: "" };
  return {
    ...project,
    programs,
    doctor: async (more = {}) => await examine([], { cwd: root, env: { ...own, ...more } }),
    init: async (clients, more = {}) => {
      const args = ["init", "--yes", ...clients.flatMap((name) => ["--client", name])];
      const { code, stderr } = await runCli(args, { cwd: root, env: { ...own, ...more } });
      t.same({ code, stderr }, { code: 0, stderr: "" });
    },
  };
}

/** Writes a file; `path` is relative to `folder`. */
function put(folder: string, path: string, content: string | object, mode = 0o644): void {
  mkdirSync(dirname(join(folder, path)), { recursive: true });
  writeFileSync(join(folder, path), typeof content === "string" ? content : JSON.stringify(content), { mode });
}

t.test("hooks that the server has seen firing, and hooks that never fired", async (t) => {
  const place = await makePlace(t);
  const koor = await startKoor(t);
  const env = { KOOR_SERVER: koor.url };
  await place.init(["claude", "gemini"], env);
  const never = await place.doctor(env);
  t.match(never.of("hooks"), [
    {
      status: "warn",
      message: /^Claude Code: .* none has fired since the server started$/,
      fix: /restart Claude Code/,
    },
    { status: "warn", message: /^Gemini CLI: / },
  ]);
  t.equal(never.code, 0);
  const { headers } = JSON.parse(place.read(".koor/init.json")) as { readonly headers: Record<string, string> };
  const input = { cwd: place.root, hook_event_name: "UserPromptSubmit", prompt: "hello" };
  const call = async (session: string, more: Record<string, string>) =>
    await send(koor.port, "POST", "/api/hooks/claude", {
      headers: { ...headers, ...more },
      body: JSON.stringify({ ...input, session_id: session }),
    });
  await call("s1", { "X-Koor-Workspace": "another" });
  t.match((await place.doctor(env)).of("hooks"), [{ status: "warn" }, { status: "warn" }], "of another workspace");
  t.equal((await call("s2", {})).status, 200);
  t.match((await place.doctor(env)).of("hooks"), [
    { status: "ok", message: /^Claude Code: the last event was UserPromptSubmit, \d s ago$/ },
    { status: "warn", message: /^Gemini CLI: / },
  ]);
  t.equal(await koor.stop(), 0);
});

t.test("what the server says of hooks", async (t) => {
  const { fake, doctor, init } = await makePlace(t);
  await init(["claude"]);
  const seen = (at: string) => ({ workspace: "git.example/acme/trucks", checkout: null, event: "Stop", at });
  const withHooks = async (answers: Answers) => {
    answerAsKoor(fake, answers);
    return (await doctor()).of("hooks");
  };
  const ago = (minutes: number) => new Date(Date.now() - minutes * 60_000).toISOString();
  const listOf = (minutes: number) => replyJson({ clients: [{ client: "claude", seen: [seen(ago(minutes))] }] });
  t.match(await withHooks({ "/api/hooks": listOf(5) }), [{ status: "ok", message: /Stop, 5 min ago/ }]);
  t.match(await withHooks({ "/api/hooks": listOf(300) }), [{ status: "ok", message: /Stop, 5 h ago/ }]);
  const ofCopilot = replyJson({ clients: [{ client: "copilot", seen: [seen(ago(5))] }] });
  t.match(await withHooks({ "/api/hooks": ofCopilot }), [{ status: "warn" }], "another client's");
  t.match(await withHooks({ "/api/hooks": replyError(404, "no") }), [
    { status: "skip", message: /too old to report it/ },
  ]);
  t.match(await withHooks({ "/api/hooks": replyError(500, "broken") }), [{ status: "skip", message: /broken/ }]);
  await init(["vscode"]);
  const both = await withHooks({ "/api/hooks": ofCopilot });
  t.match(both, [{ status: "warn" }, { status: "ok", message: /^VS Code: / }], "it runs the file of Copilot CLI");
  const away = await doctor({ KOOR_SERVER: "http://127.0.0.1:1" });
  t.match(away.of("hooks"), [
    { status: "warn", message: /^hooks ask http:.*, but commands here ask http:\/\/127\.0\.0\.1:1$/, fix: /--server/ },
    { status: "skip", message: /whether they fire is not known: the server does not answer/ },
    { status: "skip", message: /^VS Code: / },
  ]);
});

t.test("hooks that are gone or incomplete, for each client", async (t) => {
  const { root, home, doctor, init } = await makePlace(t);
  await init(CLIENT_NAMES);
  const titles = (found: Examination) => found.of("hooks").map(({ message }) => message.split(":")[0]);
  const whole = await doctor();
  t.equal(new Set(titles(whole)).size, CLIENT_NAMES.length, "a line each");
  t.same(new Set(whole.statusOf("hooks")), new Set(["warn"]), "all are there, and none has fired");
  /** The files with hooks. The title is that of a client that uses the file. */
  const files: readonly (readonly [folder: string, path: string, title: string])[] = [
    [root, ".claude/settings.local.json", "Claude Code"],
    [root, ".codex/hooks.json", "Codex"],
    [root, ".gemini/settings.json", "Gemini CLI"],
    [root, ".qwen/settings.json", "Qwen Code"],
    [root, ".cursor/hooks.json", "Cursor"],
    [root, ".github/hooks/koor.json", "Copilot CLI"],
    [root, ".opencode/plugin/koor.js", "OpenCode"],
    [root, ".kilo/plugin/koor.js", "Kilo Code"],
    [home, ".kimi-code/config.toml", "Kimi Code"],
    [root, ".clinerules/hooks", "Cline"],
  ];
  for (const [folder, path] of files) renameSync(join(folder, path), join(folder, `${path}.aside`));
  const gone = await doctor();
  for (const [, , title] of files) {
    const line = gone.of("hooks").find(({ message }) => message.startsWith(`${title}:`));
    t.match(line, { status: "fail", message: /has none of Koor's hooks/, fix: /koor init again/ }, title);
  }
  for (const [folder, path] of files) renameSync(join(folder, `${path}.aside`), join(folder, path));
  /** Damages one hook in one file of each format. The other hooks stay. */
  const edit = (folder: string, path: string, from: RegExp, to: string): void => {
    const text = readFileSync(join(folder, path), "utf8");
    t.match(text, from, path);
    writeFileSync(join(folder, path), text.replace(from, to));
  };
  edit(root, ".claude/settings.local.json", /"PreToolUse"/, '"Other"');
  edit(root, ".github/hooks/koor.json", /"Stop"/, '"Other"');
  edit(home, ".kimi-code/config.toml", /event = "Stop"/, 'event = "Other"');
  chmodSync(join(root, ".clinerules/hooks/PreToolUse"), 0o644);
  writeFileSync(join(root, ".qwen/settings.json"), "{");
  writeFileSync(join(root, ".opencode/plugin/koor.js"), "export default () => ({});\n");
  const partly = await doctor();
  const lineOf = (title: string) => partly.of("hooks").find(({ message }) => message.startsWith(`${title}:`));
  t.match(lineOf("Claude Code"), {
    status: "fail",
    message: /settings\.local\.json has no hook of Koor's for PreToolUse$/,
  });
  t.match(lineOf("Copilot CLI"), { status: "fail", message: /for Stop$/ });
  t.match(lineOf("VS Code"), { status: "fail", message: /for Stop$/ }, "the two share a file");
  t.match(lineOf("Kimi Code"), { status: "fail", message: /for Stop$/ });
  t.match(lineOf("Cline"), { status: "fail", message: /for PreToolUse$/ });
  t.match(lineOf("Qwen Code"), {
    status: "fail",
    message: /\.qwen\/settings\.json cannot be parsed/,
    fix: /correct the file/,
  });
  t.match(lineOf("OpenCode"), { status: "fail", message: /none of Koor's hooks/ });
  t.match(lineOf("Gemini CLI"), { status: "warn" }, "one that was left alone");
});

t.test("a working tree that init does not know", async (t) => {
  const { root, home, env, doctor, init, write, git } = await makePlace(t);
  write(".koor/project.json", "{}");
  t.match((await doctor()).of("hooks"), [
    { status: "warn", message: /koor init was not run in this working tree/, fix: /koor init --join URL/ },
  ]);
  rmSync(join(root, ".koor"), { recursive: true });
  await init(["claude"]);
  const linked = join(home, "linked");
  git("worktree", "add", "--quiet", linked, "-b", "side");
  t.match((await examine([], { cwd: linked, env })).of("hooks"), [
    { status: "warn", message: /not run in this working/ },
  ]);
  const path = ownRecordPath(root, env) ?? "";
  const record = JSON.parse(readFileSync(path, "utf8")) as { readonly headers: object };
  const change = (members: object): void => writeFileSync(path, JSON.stringify({ ...record, ...members }));
  change({ headers: { ...record.headers, "X-Koor-Root": "/elsewhere" } });
  t.match((await doctor()).of("hooks"), [
    { status: "fail", message: /protect another folder, because this one was moved/ },
    {},
  ]);
  change({ clients: [] });
  t.match((await doctor()).of("hooks"), [{ status: "warn", message: /has set up no client/ }]);
  change({ files: 1 });
  t.match((await doctor()).of("hooks"), [{ status: "fail", message: /is not a record of koor init/ }]);
  change({ root: "/elsewhere" });
  t.match((await doctor()).of("hooks"), [{ status: "warn", message: /not run in this working/ }]);
});

t.test("MCP entries of clients", async (t) => {
  const { fake, root, doctor, init, read, write } = await makePlace(t);
  answerWithToken(fake, TOKEN);
  const token = { KOOR_TOKEN: TOKEN };
  await init(["claude", "codex", "kimi"], token);
  const others = (found: Examination): readonly Line[] => found.of("mcp").slice(1);
  t.same(others(await doctor(token)), [], "all lead to the server");
  const entry = read(".mcp.json");
  write(".mcp.json", entry.replace(fake.url, "http://127.0.0.1:9/old"));
  t.match(others(await doctor(token)), [
    { status: "warn", message: /^Claude Code: its MCP entry leads to http:\/\/127\.0\.0\.1:9\/old, not to/ },
  ]);
  write(".mcp.json", "{");
  t.match(others(await doctor(token)), [{ status: "fail", message: /^Claude Code: \.mcp\.json cannot be parsed/ }]);
  write(".mcp.json", "{}");
  t.match(others(await doctor(token)), [
    { status: "fail", message: /^Claude Code: \.mcp\.json has no entry for Koor/ },
  ]);
  write(".mcp.json", JSON.stringify({ mcpServers: { koor: { type: "http", url: `${fake.url}/mcp` } } }));
  t.match(others(await doctor(token)), [{ status: "fail", message: /sends no token, and the server asks for one/ }]);
  write(".mcp.json", entry);
  // The settings file contains the token. The command line reads it there, but the clients see only their environment.
  write(".koor/settings.json", JSON.stringify({ token: TOKEN }));
  t.match(others(await doctor()), [
    { status: "warn", message: /^Claude Code: its MCP entry takes the token from KOOR_TOKEN, which is not set/ },
    { status: "warn", message: /^Codex: / },
  ]);
  rmSync(join(root, ".koor/settings.json"));
});

t.test("the token that hooks send", async (t) => {
  const { fake, home, doctor, init } = await makePlace(t);
  answerWithToken(fake, TOKEN);
  const token = { KOOR_TOKEN: TOKEN };
  await init(["claude"], token);
  t.match((await doctor(token)).of("token"), [{ status: "ok", message: "the server takes the token" }]);
  const path = hookTokenPath(addressOf(new URL(fake.url)), { HOME: home }, process.platform) ?? "";
  writeFileSync(path, `Authorization: Bearer ${WRONG_TOKEN}\n`);
  t.match((await doctor(token)).of("token"), [
    { status: "ok" },
    { status: "fail", message: /refuses the token that hooks send/, fix: /koor init again/ },
  ]);
  rmSync(path);
  t.match((await doctor(token)).of("token"), [{ status: "ok" }, { status: "fail", message: /hooks have no token/ }]);
});

t.test("trust in Claude Code and in Copilot CLI", async (t) => {
  const { root, home, doctor, init, git } = await makePlace(t);
  await init(["claude", "copilot"]);
  const trustLines = async (more: Readonly<Record<string, string>> = {}) => (await doctor(more)).of("trust");
  t.match(await trustLines(), [
    { status: "warn", message: /^Claude Code does not trust this folder yet/, fix: /start claude here once/ },
    { status: "warn", message: /^Copilot CLI does not trust this folder/, fix: /--trust-folder/ },
  ]);
  put(home, ".claude.json", { projects: { [root]: { hasTrustDialogAccepted: false } } });
  put(home, ".copilot/config.json", { trustedFolders: [join(root, "src")] });
  t.match(await trustLines(), [{ status: "warn" }, { status: "warn" }]);
  put(home, ".claude.json", { projects: { [root]: { hasTrustDialogAccepted: true } } });
  put(
    home,
    ".copilot/config.json",
    `// Managed by the program.\n${JSON.stringify({ trustedFolders: [dirname(root)] })}`,
  );
  t.match(await trustLines(), [
    { status: "ok", message: "Claude Code trusts this folder" },
    { status: "ok", message: "Copilot CLI trusts this folder" },
  ]);
  const elsewhere = { CLAUDE_CONFIG_DIR: join(home, "c"), COPILOT_HOME: join(home, "p") };
  t.match(await trustLines(elsewhere), [{ status: "warn" }, { status: "warn" }]);
  put(home, "c/.claude.json", { projects: { [root]: { hasTrustDialogAccepted: true } } });
  put(home, "p/config.json", { trusted_folders: [root] });
  t.match(await trustLines(elsewhere), [{ status: "ok" }, { status: "ok" }]);
  put(home, ".claude.json", "{");
  t.match(await trustLines(), [{ status: "warn" }, { status: "ok" }]);
  // If `doctor` read this file, the folder would count as trusted.
  const trusting = JSON.stringify({ projects: { [root]: { hasTrustDialogAccepted: true } } });
  put(home, ".claude.json", trusting + " ".repeat(CLI_DOCTOR_FILE_BYTES_MAX));
  t.match(await trustLines(), [{ status: "warn" }, { status: "ok" }], "a file that is too large is not read");

  const linked = join(home, "linked");
  git("worktree", "add", "--quiet", linked, "-b", "side");
  put(home, ".claude.json", { projects: { [root]: { hasTrustDialogAccepted: true } } });
  const { env } = { env: { HOME: home, KOOR_SERVER: "http://127.0.0.1:1", PATH: process.env["PATH"] ?? "" } };
  await runCli(["init", "--yes", "--client", "claude"], { cwd: linked, env });
  t.match((await examine([], { cwd: linked, env })).of("trust"), [{ status: "ok" }], "the main working tree's counts");
});

/**
 * Returns the script of a program that replaces Codex in the test. It prints one answer, and ends when its input ends.
 */
function codexStub(answer: string): string {
  return `#!/bin/sh
[ "$1" = app-server ] || exit 9
while read -r line; do
  case $line in *hooks/list*) ${answer} ;; esac
done
`;
}

t.test("trust in Codex", async (t) => {
  const { doctor, init, programs, root } = await makePlace(t);
  await init(["codex"]);
  const ask = async (script: string | undefined): Promise<readonly Line[]> => {
    rmSync(join(programs, "codex"), { force: true });
    if (script !== undefined) put(programs, "codex", script, 0o755);
    // Limit PATH to these folders, so that no real `codex` is found.
    return (await doctor({ PATH: `${programs}:/usr/bin:/bin` })).of("trust");
  };
  const command = "koor-hook codex 2>/dev/null || true";
  const hook = (trustStatus: string, more: object = {}) => ({ command, trustStatus, enabled: true, ...more });
  const listing = (...hooks: readonly object[]): string => {
    const answer = JSON.stringify({ id: 2, result: { data: [{ cwd: root, hooks }] } });
    return codexStub(`echo '{"id":1,"result":{}}'; echo '${answer}'`);
  };
  const others = { command: "another-hook", trustStatus: "untrusted" };
  t.match(await ask(undefined), [{ status: "skip", message: "Codex is not installed on this machine" }]);
  t.match(await ask(listing(hook("trusted"), hook("trusted"), others)), [
    { status: "ok", message: "Codex trusts all 2 of Koor's hooks" },
  ]);
  t.match(await ask(listing(hook("trusted"), hook("untrusted"), hook("modified"))), [
    { status: "warn", message: /skips 2 of Koor's 3 hooks without a word/, fix: /\/hooks/ },
  ]);
  t.match(await ask(listing(hook("untrusted", { isManaged: true }))), [{ status: "ok" }]);
  t.match(await ask(listing(hook("trusted", { enabled: false }))), [
    { status: "warn", message: /1 of Koor's 1 hooks are switched off/ },
  ]);
  t.match(await ask(listing(others)), [{ status: "warn", message: /does not trust this project/ }]);
  t.match(await ask("#!/bin/sh\nexit 1\n"), [{ status: "warn", message: /it ended without an answer/ }]);
  t.match(await ask("#!/nowhere/sh\n"), [
    { status: "warn", message: /Codex does not say which hooks it trusts: no such file/ },
  ]);
  // This program starts a child process, and both ignore the end of the input. `doctor` must kill both.
  const pidFile = join(programs, "pid");
  const stubborn = `trap '' TERM; sleep 60 & echo $! >'${pidFile}'\n${listing(hook("trusted"))}wait\n`;
  t.match(await ask(`#!/bin/sh\n${stubborn}`), [{ status: "ok" }]);
  const pid = Number(readFileSync(pidFile, "utf8"));
  t.ok(isGone(pid), "what Codex has started is ended, too");
  rmSync(join(root, ".codex/hooks.json"));
  t.match(await ask(listing()), [{ status: "skip", message: "Codex has none of Koor's hooks" }]);
});

/** Returns whether a process has ended. A zombie counts as ended. */
function isGone(pid: number): boolean {
  try {
    return / [ZX] /.test(readFileSync(`/proc/${pid}/stat`, "latin1"));
  } catch {
    return true;
  }
}

t.test("the guard", async (t) => {
  const { root, home, doctor, koor, git, programs } = await makePlace(t);
  put(programs, "koor", "#!/bin/sh\n", 0o755);
  const guardLines = async (more: Readonly<Record<string, string>> = {}) => (await doctor(more)).of("guard");
  t.match(await guardLines(), [{ status: "skip", message: "it is not installed" }]);
  const install = async (...flags: string[]) => {
    t.match(await koor(["guard", "install", ...flags]), { code: 0 });
  };
  await install();
  t.match(await guardLines(), [{ status: "ok", message: "git runs the guard" }]);
  await install("--strict");
  t.match(await guardLines(), [{ status: "ok", message: "git runs the guard, which is strict" }]);
  t.match(await guardLines({ KOOR_GUARD: "off" }), [{ status: "warn", message: /KOOR_GUARD=off/, fix: /unset/ }]);
  t.match(await guardLines({ PATH: "/usr/bin:/bin" }), [{ status: "warn", message: /find no program koor/ }]);

  const hook = join(root, ".git/hooks/pre-commit");
  const script = readFileSync(hook, "utf8");
  chmodSync(hook, 0o644);
  // Without the permission to execute, not even root can run the hook.
  t.match(await guardLines(), [{ status: "fail", message: "the guard's hook pre-commit is not executable" }]);
  chmodSync(hook, 0o755);
  writeFileSync(hook, "#!/bin/sh\n");
  t.match(await guardLines(), [{ status: "fail", message: "the guard's hook pre-commit is changed" }]);
  rmSync(hook);
  t.match(await guardLines(), [
    { status: "fail", message: "the guard's hook pre-commit is gone", fix: /guard install/ },
  ]);
  writeFileSync(hook, script, { mode: 0o755 });
  git("config", "core.hooksPath", ".husky");
  t.match(await guardLines(), [{ status: "fail", message: /git runs the hooks in .*\/\.husky, not the guard's/ }]);
  git("config", "--unset", "core.hooksPath");
  t.same((await doctor()).statusOf("guard"), ["ok"]);
  put(root, ".git/koor/guard.json", "{}");
  t.match(await guardLines(), [{ status: "fail", message: /is not the record of an installed guard/ }]);

  rmSync(join(root, ".git/koor"), { recursive: true });
  rmSync(join(root, ".git/hooks"), { recursive: true });
  t.match(await koor(["init", "--yes", "--client", "claude", "--guard"]), { code: 0 });
  t.match(await guardLines(), [{ status: "ok" }]);
  t.match(await koor(["guard", "uninstall"]), { code: 0 });
  t.match(await guardLines(), [{ status: "fail", message: /koor init installed the guard, but it was removed/ }]);
  const bare = { cwd: home, env: { HOME: home, KOOR_SERVER: "http://127.0.0.1:1" } };
  t.match((await examine([], bare)).of("guard"), [{ status: "skip", message: "there is no git repository here" }]);
});
