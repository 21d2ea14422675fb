/**
 * Tests projects that other people made to do harm, with a hostile record, `.git` or git configuration. Koor's commands
 * must not change, read or send anything of the user's own. They must run no program, and must end.
 */
import { execFileSync, spawn } from "node:child_process";
import { createHash } from "node:crypto";
import {
  copyFileSync,
  existsSync,
  mkdirSync,
  readFileSync,
  rmSync,
  symlinkSync,
  utimesSync,
  writeFileSync,
} from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import t from "tap";

import { replyJson } from "../test/cli/fake-server.js";
import { makeProject, snapshot, type InitProject } from "../test/cli/project.js";
import { runCli } from "../test/cli/run-cli.js";
import { tieToThisProcess } from "../test/support/owner.js";
import { makeDirectory } from "../test/support/server-process.js";
import { must } from "../src/base/assert.js";
import { runGit } from "./guard/git.js";
import { ownRecordPath } from "./own-record.js";
import { readRegularFile, Unread } from "./regular-file.js";

/** This file runs from dist/tree/cli. */
const HOOK = fileURLToPath(new URL("../../app/cli/hook.cjs", import.meta.url));
const SKIP = process.platform === "win32" ? "Windows has none of these files" : false;
const SECRET = "Authorization: Bearer a-secret-of-the-user";

function sha256(text: string): string {
  return createHash("sha256").update(text).digest("hex");
}

/** Returns the text of a record of `koor init`. The given members replace the default ones. */
function recordText(members: object): string {
  const record = { server: "http://127.0.0.1:1", headers: {}, clients: [], files: [], folders: [], ...members };
  return JSON.stringify({ version: 1, shared: false, guard: false, ...record });
}

/** Runs `koor-hook` in the project. The exit code is null if it did not end by itself. */
async function runHook({ root, env }: InitProject): Promise<{ readonly code: number | null; readonly stdout: string }> {
  const child = spawn(process.execPath, [HOOK, "codex"], { cwd: root, env, timeout: 20_000, killSignal: "SIGKILL" });
  tieToThisProcess(child, "alone");
  let stdout = "";
  child.stdout.on("data", (chunk: Buffer) => (stdout += chunk.toString()));
  child.stdin.end("{}");
  const code = await new Promise<number | null>((resolve) => child.once("close", resolve));
  return { code, stdout };
}

t.test("a record that the user's own init did not write changes nothing of the home", async (t) => {
  const project = await makeProject(t);
  const { root, home, env, write, koor } = project;
  // The user has already set up another project. So the home folder has files of Koor whose content an attacker can
  // predict.
  const other = join(home, "other");
  mkdirSync(join(other, ".koor"), { recursive: true });
  t.equal((await runCli(["init", "--client", "kimi", "--yes"], { cwd: other, env })).code, 0);
  const text = readFileSync(join(home, ".kimi-code/mcp.json"), "utf8");
  const evil = '{"mcpServers":{"x":{"command":"/bin/sh"}}}';
  const edit = { at: 0, length: Buffer.byteLength(text), old: Buffer.from(evil).toString("base64") };
  const place = "home";
  mkdirSync(join(home, "empty"));
  const files = [
    { place, path: ".kimi-code/mcp.json", before: sha256(evil), after: sha256(text), edit, kept: [] },
    { place, path: ".kimi-code/config.toml", before: null, after: "", edit: null, kept: [] },
  ];
  const foreign = recordText({ files, folders: [{ place, path: "empty" }], clients: ["kimi", "cline", "copilot"] });
  write(".koor/init.json", foreign);
  const before = [snapshot(root), snapshot(home)];
  const undone = await koor(["uninit", "--yes"]);
  t.match(undone, { code: 0, stdout: '{"restored":[]}\n', stderr: /init\.json is not a record of your own koor init/ });
  t.equal(undone.stderr.split("\n").length, 2, "one line");
  t.same([snapshot(root), snapshot(home)], before);

  const done = await koor(["init", "--client", "codex", "--yes"]);
  t.match(done, { code: 0, stderr: /init\.json is not a record of your own koor init/ });
  t.same((JSON.parse(done.stdout) as { clients: unknown }).clients, ["codex"], "only the user names clients");
  t.equal(readFileSync(join(home, ".kimi-code/mcp.json"), "utf8"), text);
  // Write the hostile record again, as a later commit of the project could do.
  write(".koor/init.json", foreign);
  t.match(await koor(["uninit", "--yes"]), { code: 0, stderr: "" });
  t.equal(readFileSync(join(home, ".kimi-code/mcp.json"), "utf8"), text);
  t.ok(existsSync(join(home, "empty")));
  t.notOk(existsSync(join(root, ".codex")), "the user's own record is followed");
});

t.test("a committed file names neither the instance nor the token of the user's commands", async (t) => {
  const { root, env, fake, write, git, koor } = await makeProject(t);
  write(".koor/instance.json", '{"id":"of-the-author"}');
  write("sub/.koor/instance.json", '{"id":"of-the-author"}');
  const settings = JSON.stringify({ server: fake.url, token: "of-the-author" });
  write(".koor/settings.json", settings);
  write("bare/.koor/keep", "");
  write("bare/settings.json", settings);
  write("linked/real/instance.json", '{"id":"of-the-author"}');
  symlinkSync("real", join(root, "linked/.koor"));
  fake.answer = () => replyJson([]);
  const sent = async (folder: string): Promise<readonly (string | undefined)[]> => {
    fake.requests.length = 0;
    const { KOOR_SERVER: _server, ...others } = env;
    t.equal((await runCli(["instances", "list"], { cwd: join(root, folder), env: others })).code, 0, folder);
    const { headers } = must(fake.requests[0], "a request");
    return [headers["x-koor-instance"], headers.authorization] as readonly (string | undefined)[];
  };
  t.same(await sent("."), ["of-the-author", "Bearer of-the-author"], "files that git does not track are the user's");
  git("add", "--all", "--force");
  for (const folder of [".", "sub", "linked", "bare"]) t.same(await sent(folder), [undefined, undefined], folder);
  const { stderr } = await koor(["instances", "list"]);
  t.match(stderr, /instance\.json is ignored, because git tracks it/);
  t.match(stderr, /the token in \.koor\/settings\.json is ignored, because git tracks the file/);
  git("rm", "--quiet", "--cached", ".koor/instance.json", ".koor/settings.json");
  t.same(await sent("."), ["of-the-author", "Bearer of-the-author"]);
});

t.test("the record of one working tree is not followed in a copy of it", async (t) => {
  const { root, home, env, koor } = await makeProject(t);
  t.equal((await koor(["init", "--client", "kimi", "--yes"])).code, 0);
  const copy = `${root}-copy`;
  execFileSync("cp", ["-R", root, copy]);
  const ignores = async (): Promise<void> => {
    const before = snapshot(home);
    t.match(await runCli(["uninit", "--yes"], { cwd: copy, env }), { code: 0, stderr: /init\.json is not a record/ });
    t.same(snapshot(home), before);
  };
  await ignores();
  // Assume that both working trees have the same name for their record. The copy then finds the record of the original.
  copyFileSync(ownRecordPath(root, env) ?? "", ownRecordPath(copy, env) ?? "");
  await ignores();
});

t.test("the hook follows only the user's own record", async (t) => {
  const project = await makeProject(t);
  const { fake, root, write, koor } = project;
  write(".koor/project.json", "{}");
  write(".koor/init.json", recordText({ server: fake.url, headers: { "X-Koor-Workspace": "another" } }));
  t.same(await runHook(project), { code: 0, stdout: "{}" });
  t.same(fake.requests, []);
  t.equal((await koor(["init", "--client", "codex", "--yes"])).code, 0);
  write(".koor/init.json", recordText({ server: fake.url, headers: { "X-Koor-Workspace": "another" } }));
  t.equal((await runHook(project)).code, 0);
  t.match(fake.requests.at(-1), {
    url: "/api/hooks/codex",
    headers: { "x-koor-workspace": "git.example/acme/trucks", "x-koor-root": root },
  });
});

t.test("the hook follows the record of a main working tree only from the trees of its repository", async (t) => {
  const project = await makeProject(t);
  const { fake, root, home, koor, git } = project;
  t.equal((await koor(["init", "--client", "codex", "--yes"])).code, 0);
  const foreign = join(home, "foreign");
  git("init", "--quiet", foreign);
  writeFileSync(join(foreign, ".git/commondir"), `${join(root, ".git")}\n`);
  fake.requests.length = 0;
  t.same(await runHook({ ...project, root: foreign }), { code: 0, stdout: "{}" });
  t.same(fake.requests, []);
});

t.test("the hook reads only small regular files of the project itself", { skip: SKIP }, async (t) => {
  const project = await makeProject(t);
  const { fake, root, home, koor } = project;
  t.equal((await koor(["init", "--client", "codex", "--yes"])).code, 0);
  writeFileSync(join(home, "own"), "ref: refs/heads/secret\n");
  const oddities: Readonly<Record<string, (path: string) => void>> = {
    "a FIFO": (path) => void execFileSync("mkfifo", [path]),
    "a device": (path) => symlinkSync("/dev/zero", path),
    "an endless file of the system": (path) => symlinkSync("/proc/self/pagemap", path),
    "a link that leads out": (path) => symlinkSync(join(home, "own"), path),
  };
  for (const [kind, make] of Object.entries(oddities)) {
    for (const name of [".git/HEAD", ".git/commondir"]) {
      const path = join(root, name);
      const text = existsSync(path) ? readFileSync(path) : undefined;
      rmSync(path, { force: true });
      make(path);
      fake.requests.length = 0;
      t.equal((await runHook(project)).code, 0, `${kind} as ${name}`);
      t.equal(fake.requests.length, 1);
      t.equal(fake.requests[0]?.headers["x-koor-branch"], name === ".git/HEAD" ? undefined : "main");
      rmSync(path);
      if (text !== undefined) writeFileSync(path, text);
    }
  }
  rmSync(join(root, ".git"), { recursive: true });
  symlinkSync("/proc/self/pagemap", join(root, ".git"));
  t.equal((await runHook(project)).code, 0, ".git itself");
});

t.test("a file is read up to the limit, whatever size it names", { skip: SKIP }, (t) => {
  const folder = makeDirectory(t);
  const path = join(folder, "a");
  writeFileSync(path, "x".repeat(100_000));
  const read = (limit?: number): unknown => readRegularFile({ path, root: folder }, limit);
  t.equal((read() as Buffer).toString(), "x".repeat(100_000));
  t.equal((read(100_000) as Buffer).length, 100_000);
  t.same(read(99_999), new Unread(undefined));
  const maps = readRegularFile({ path: "/proc/self/maps" }, 100);
  if (existsSync("/proc/self/maps")) t.same(maps, new Unread(undefined), "a file of the system names the size 0");
  t.end();
});

t.test("a link in .git names no workspace", { skip: SKIP }, async (t) => {
  const { root, home, koor, git } = await makeProject(t);
  writeFileSync(join(home, "token.header"), `${SECRET}\n`);
  git("remote", "remove", "origin");
  symlinkSync(join(home, "token.header"), join(root, ".git/commondir"));
  const { stdout, stderr } = await koor(["whoami"]);
  t.notMatch(stdout + stderr, /secret/);
  t.match(JSON.parse(stdout), { workspace: { name: "trucks" } });
});

t.test("init writes to no folder that .git only leads to", { skip: SKIP }, async (t) => {
  const { root, home, koor, write } = await makeProject(t);
  const outside = join(home, "outside");
  writeFileSync(outside, "mine\n");
  rmSync(join(root, ".git/info"), { recursive: true, force: true });
  mkdirSync(join(root, ".git/info"));
  symlinkSync(outside, join(root, ".git/info/exclude"));
  t.match(await koor(["init", "--client", "codex", "--yes"]), { code: 1, stderr: /info\/exclude.*leads out/ });
  t.equal(readFileSync(outside, "utf8"), "mine\n");

  rmSync(join(root, ".git"), { recursive: true });
  const elsewhere = join(home, "elsewhere");
  mkdirSync(join(elsewhere, "info"), { recursive: true });
  for (const name of ["g/HEAD", ".git"]) write(name, name === ".git" ? "gitdir: g\n" : "ref: refs/heads/main\n");
  write("g/commondir", `${elsewhere}\n`);
  const before = snapshot(elsewhere);
  const done = await koor(["init", "--client", "codex", "--yes"]);
  t.match(done, { code: 0, stdout: /does not name this working tree/ });
  t.match(await koor(["uninit", "--yes"]), { code: 0 });
  t.same(snapshot(elsewhere), before);
});

t.test("uninit ends, whatever the folder of a working tree names", { skip: SKIP }, async (t) => {
  const { root, koor } = await makeProject(t);
  t.equal((await koor(["init", "--client", "codex", "--yes"])).code, 0);
  for (const name of ["fifo", "device"]) mkdirSync(join(root, ".git/worktrees", name), { recursive: true });
  execFileSync("mkfifo", [join(root, ".git/worktrees/fifo/gitdir")]);
  symlinkSync("/dev/zero", join(root, ".git/worktrees/device/gitdir"));
  t.match(await koor(["uninit", "--yes"]), { code: 0, stderr: "" });
  t.notOk(existsSync(join(root, ".codex")));
});

t.test("the guard ends, whatever is in the place of its files", { skip: SKIP }, async (t) => {
  const { fake, root, koor, write, git } = await makeProject(t);
  const lease = { id: "l-1", fence: 7, scope: "repo", checkout: null, holder: { id: "i-1" }, resources: ["path:a"] };
  fake.answer = ({ url }) => replyJson({ leases: url.includes("after=") ? [] : [lease] });
  write("a", "x");
  git("add", "a");
  for (const name of ["message", ".git/MERGE_HEAD"]) execFileSync("mkfifo", [join(root, name)]);
  t.match(await koor(["guard", "check"]), { stderr: /^(?!.*cannot compare)/ });
  t.match(await koor(["guard", "trailer", "message"]), { code: 3, stderr: /cannot read .*not a regular file/ });
});

t.test("the guard's record names only the guard's own files", { skip: SKIP }, async (t) => {
  const { root, home, koor, write, read } = await makeProject(t);
  mkdirSync(join(home, "empty"));
  writeFileSync(join(home, "mine"), "mine");
  t.equal((await koor(["guard", "install"])).code, 0);
  const record = JSON.parse(read(".git/koor/guard.json")) as { files: object[]; folders: string[] };
  const hash = sha256("mine");
  const paths = [join(home, "mine"), "../../home/mine", "hooks/../../../home/mine", "config", "objects/mine"];
  writeFileSync(join(root, ".git/objects/mine"), "mine");
  for (const path of paths) {
    write(".git/koor/guard.json", JSON.stringify({ ...record, files: [...record.files, { path, hash }] }));
    t.match(await koor(["guard", "uninstall"]), { code: 1, stderr: /is not the record of an installed guard/ }, path);
  }
  write(".git/koor/guard.json", JSON.stringify({ ...record, folders: [...record.folders, join(home, "empty")] }));
  t.match(await koor(["guard", "uninstall"]), { code: 1, stderr: /is not the record/ });
  // Replace the hook folder by a link to a folder of the user that has the same files.
  write(".git/koor/guard.json", JSON.stringify(record));
  execFileSync("cp", ["-R", join(root, ".git/hooks"), join(home, "hooks")]);
  rmSync(join(root, ".git/hooks"), { recursive: true });
  symlinkSync(join(home, "hooks"), join(root, ".git/hooks"));
  t.match(await koor(["guard", "uninstall"]), { code: 1, stderr: /is a symbolic link/ });
  for (const path of ["mine", "empty", "hooks/pre-commit"]) t.ok(existsSync(join(home, path)), path);
});

t.test("the guard writes to no repository that .git only leads to", { skip: SKIP }, async (t) => {
  const { root, home, koor, git } = await makeProject(t);
  const other = join(home, "other");
  git("init", "--quiet", other);
  writeFileSync(join(root, ".git/commondir"), `${join(other, ".git")}\n`);
  for (const command of ["install", "uninstall"])
    t.match(await koor(["guard", command]), { code: 1, stderr: /does not name the working tree/ });
  t.notOk(existsSync(join(other, ".git/koor")));
});

t.test("no filter of a project runs, whatever its name, nor one of a submodule", { skip: SKIP }, async (t) => {
  const { fake, root, home, koor, write, git } = await makeProject(t);
  const ran = join(home, "ran");
  mkdirSync(ran);
  const sent = () =>
    fake.requests.filter(({ url }) => url === "/api/evidence").map(({ body }): unknown => JSON.parse(body.toString()));
  const nested = join(root, "nested");
  git("init", "--quiet", nested);
  write("nested/file", "one\n");
  git("-C", nested, "add", ".");
  git("-C", nested, "commit", "--quiet", "--message", "one");
  git("add", "nested");
  write("nested/.gitattributes", "* filter=nested\n");
  const clean = (name: string): string => `\tclean = "touch '${join(ran, name)}'; cat"\n`;
  writeFileSync(join(nested, ".git/config"), `[filter "nested"]\n${clean("nested")}`, { flag: "a" });
  // Keep the length of the text. git compares contents only if the sizes are equal.
  write("nested/file", "two\n");
  const settings = readFileSync(join(root, ".git/config"));
  writeFileSync(join(root, ".git/config"), `[filter ""]\n${clean("empty")}[merge ""]\n\tdriver = false\n`, {
    flag: "a",
  });
  write(".gitattributes", "* filter=\n");
  await koor(["task", "run", "--", "true"]);
  t.match(sent(), [{ tree_before: /^[0-9a-f]{40}$/ }]);
  const name = Buffer.of(0xff);
  const section = Buffer.concat([Buffer.from('[filter "'), name, Buffer.from(`"]\n${clean("bytes")}`)]);
  writeFileSync(join(root, ".git/config"), Buffer.concat([settings, section]));
  writeFileSync(join(root, ".gitattributes"), Buffer.concat([Buffer.from("* filter="), name, Buffer.from("\n")]));
  t.match(await koor(["task", "run", "--", "true"]), { stderr: /a filter or a merge driver that is not UTF-8/ });
  t.match(sent().at(-1), { tree_before: null });
  t.same(snapshot(ran), {});
});

t.test("a configuration of git that comes with a project runs no program", { skip: SKIP }, async (t) => {
  const { fake, root, home, koor, read, write, git } = await makeProject(t);
  const ran = join(home, "ran");
  mkdirSync(ran);
  const program = (name: string): string => `touch '${join(ran, name)}'; false`;
  write("a", "x");
  git("add", "a");
  git("commit", "--quiet", "--message", "one");
  // Give the commit a signature. To check it, git would run a program.
  const [tree, parent] = [git("rev-parse", "HEAD^{tree}"), git("rev-parse", "HEAD")];
  const who = "ana <ana@example.org> 1700000000 +0000";
  const signature = "gpgsig -----BEGIN PGP SIGNATURE-----\n \n x\n -----END PGP SIGNATURE-----";
  write("signed", `tree ${tree}\nparent ${parent}\nauthor ${who}\ncommitter ${who}\n${signature}\n\ntwo\n`);
  git("reset", "--quiet", git("hash-object", "-t", "commit", "-w", "signed"));
  rmSync(join(root, "signed"));
  git("remote", "remove", "origin");
  write("b", "x");
  git("add", "b");
  // Change only the time of the file. git then writes the index again, and after that it would run the hook.
  utimesSync(join(root, "a"), 1_700_000_000, 1_700_000_000);
  const script = join(root, ".git/hooks/post-index-change");
  write(".git/hooks/post-index-change", `#!/bin/sh\n${program("index")}\n`);
  execFileSync("chmod", ["+x", script]);
  write("gpg", `#!/bin/sh\n${program("gpg")}\n`);
  execFileSync("chmod", ["+x", join(root, "gpg")]);
  const settings: Readonly<Record<string, string>> = {
    "core.fsmonitor": program("fsmonitor"),
    "core.sshCommand": program("ssh"),
    "core.pager": program("pager"),
    "core.editor": program("editor"),
    "diff.external": program("diff"),
    "diff.x.textconv": program("textconv"),
    "diff.x.command": program("command"),
    "gpg.program": join(root, "gpg"),
    "log.showSignature": "true",
    "trailer.x.key": "x",
    "trailer.x.command": program("trailer"),
    "trailer.koor-fence.key": "Koor-Fence",
    "trailer.koor-fence.cmd": program("fence"),
    "extensions.partialClone": "origin",
    "remote.origin.url": "ssh://git.example/x",
    "remote.origin.promisor": "true",
  };
  write(".gitattributes", "* diff=x\n");
  const config = Object.entries(settings).map(([name, value]) => {
    const [first = "", ...rest] = name.split(".");
    const section = rest.length === 1 ? `[${first}]` : `[${first} "${rest[0] ?? ""}"]`;
    return `${section}\n\t${rest.at(-1) ?? ""} = ${JSON.stringify(value)}\n`;
  });
  writeFileSync(join(root, ".git/config"), config.join(""), { flag: "a" });
  write("message", "a message\n");
  const lease = { id: "l-1", fence: 7, scope: "repo", checkout: null, automatic: true, holder: { id: "i-1" } };
  const done = { ...lease, id: "l-2", fence: 8, resources: ["path:c"] };
  const page = { leases: [{ ...lease, resources: ["path:b"] }, done] };
  fake.answer = ({ url }) =>
    replyJson(!url.startsWith("/api/leases") || url.includes("after=") ? { leases: [] } : page);
  for (const words of [
    ["whoami"],
    ["init", "--client", "codex", "--guard", "--yes", "--dry-run"],
    ["init", "--client", "codex", "--guard", "--yes"],
    ["guard", "check"],
    ["guard", "check", "--range", "HEAD~1..HEAD"],
    ["guard", "verify", "HEAD~1..HEAD"],
    ["guard", "committed"],
    ["guard", "trailer", "message"],
    ["uninit", "--yes"],
  ])
    await koor(words);
  t.equal(read("message"), "a message\n\nKoor-Fence: 7\n", "git has added the trailer");
  t.ok(
    fake.requests.some(({ method, url }) => method !== "GET" && url.includes("l-2")),
    "git has compared the files",
  );
  const missing = runGit(root, ["cat-file", "-p", "1234567890123456789012345678901234567890"]);
  t.match(missing, { isSuccess: false });
  t.same(snapshot(ran), {});
});

t.test("a command that asks git ends, whatever git would wait for", { skip: SKIP }, async (t) => {
  const { fake, root, koor, write, git } = await makeProject(t);
  write("a", "x");
  git("add", "a");
  git("commit", "--quiet", "--message", "one");
  const trees = (): unknown[] =>
    fake.requests
      .filter(({ url }) => url === "/api/evidence")
      .map(({ body }) => (JSON.parse(body.toString()) as { readonly tree_before: unknown }).tree_before);
  for (const path of [".gitignore", ".gitattributes", ".git/info/exclude", ".git/info/attributes", ".git/config"]) {
    const whole = join(root, path);
    const kept = existsSync(whole) ? readFileSync(whole) : undefined;
    rmSync(whole, { force: true });
    execFileSync("mkfifo", [whole]);
    const ran = await koor(["task", "run", "--", "true"]);
    t.match(ran, { code: 0, stderr: new RegExp(`${path} is a named pipe or a device`) }, path);
    rmSync(whole);
    symlinkSync("/dev/zero", whole);
    t.match(await koor(["task", "run", "--", "true"]), { stderr: /is a named pipe or a device/ }, `${path}: a device`);
    rmSync(whole);
    if (kept !== undefined) writeFileSync(whole, kept);
  }
  t.ok(trees().length > 0 && trees().every((tree) => tree === null));
  symlinkSync("/dev/null", join(root, ".git/info/attributes"));
  await koor(["task", "run", "--", "true"]);
  t.match(trees().at(-1), /^[0-9a-f]{40}$/, "the null device has an end");
});

t.test("git itself is ended if it waits for an included pipe", { skip: SKIP }, async (t) => {
  const { root, git } = await makeProject(t);
  execFileSync("mkfifo", [join(root, ".git/more")]);
  git("config", "user.name", "ana");
  writeFileSync(join(root, ".git/config"), "[include]\n\tpath = more\n", { flag: "a" });
  t.match(runGit(root, ["rev-parse", "HEAD"]), { message: /git did not end within 10 s/ });
  t.end();
});
