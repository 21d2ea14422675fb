/**
 * Tests commands in a project in which another person has replaced Koor's files. Instead of a file there is a FIFO, a
 * device, a socket, a directory, a huge file, or a link that leads out of the project. Each command must end in time.
 * It must read and write no file outside of the project.
 */
import { execFileSync, spawn } from "node:child_process";
import {
  existsSync,
  lstatSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  rmSync,
  symlinkSync,
  truncateSync,
  writeFileSync,
} from "node:fs";
import { createServer } from "node:net";
import { join } from "node:path";
import t, { type Test } from "tap";

import { SETTINGS_BYTES_MAX } from "../schemas/limits/process.js";
import { FakeServer, replyJson } from "../test/cli/fake-server.js";
import { runCli, type CliOptions, type CliResult } from "../test/cli/run-cli.js";
import { CLIENT_NAMES, mcpClient } from "./mcp-clients.js";

const INSTANCE = { id: "i-1", token: "secret" };
/** The maximum time for a command, on a busy machine. The command itself never waits. */
const ENDED_MS = 10_000;
const POSIX = process.platform !== "win32";
const SKIP = POSIX ? false : "Windows has none of these files";

interface Project {
  readonly fake: FakeServer;
  readonly cwd: string;
  readonly outside: string;
  readonly koor: (args: readonly string[], options?: Partial<CliOptions>) => Promise<CliResult>;
}

async function setUp(t: Test): Promise<Project> {
  const fake = await FakeServer.start();
  t.teardown(() => fake.stop());
  fake.answer = () => replyJson(INSTANCE);
  const folder = t.testdir({ project: {}, outside: { "victim.json": '{"server":"http://localhost:1"}' } });
  const cwd = join(folder, "project");
  const env = { KOOR_SERVER: fake.url };
  return {
    fake,
    cwd,
    outside: join(folder, "outside"),
    koor: (args, options = {}) => runCli(args, { cwd, env, ...options }),
  };
}

/** For each kind of thing that can replace a regular file, a function that creates it. */
const ODDITIES: Readonly<Record<string, (path: string, t: Test) => Promise<void> | void>> = {
  "a FIFO": (path) => void execFileSync("mkfifo", [path]),
  "a device that never ends": (path) => symlinkSync("/dev/zero", path),
  "a directory": (path) => mkdirSync(path),
  "a huge file": (path) => {
    writeFileSync(path, "");
    truncateSync(path, SETTINGS_BYTES_MAX + 1);
  },
  "a socket": async (path, t) => {
    const server = createServer();
    // The path of a socket has at most 107 bytes. The socket is created relative to its folder, so that its path is
    // short enough.
    const before = process.cwd();
    process.chdir(join(path, ".."));
    await new Promise<void>((resolve) => server.listen(path.slice(path.lastIndexOf("/") + 1), resolve));
    process.chdir(before);
    t.teardown(() => server.close());
  },
};

for (const [kind, make] of Object.entries(ODDITIES)) {
  t.test(`${kind} is not read as settings`, { skip: SKIP }, async (t) => {
    const { fake, cwd, koor } = await setUp(t);
    const begun = performance.now();
    await make(join(cwd, "settings.json"), t);
    t.match(await koor(["status"]), { code: 0, stderr: "" }, "settings.json is skipped");
    const ignored = await koor(["status"], { env: { KOOR_SERVER: "" } });
    t.match(ignored.stderr, /settings\.json.*: it is not one of Koor's, and is ignored\n/);
    t.match(await koor(["config", "set", "token", "x"]), { code: 2, stderr: /settings\.json/ });
    mkdirSync(join(cwd, ".koor"));
    const own = join(cwd, ".koor", "settings.json");
    await make(own, t);
    t.match(await koor(["status"]), { code: 2, stderr: /\.koor\/settings\.json/ });
    rmSync(own, { recursive: true });
    const project = join(cwd, ".koor", "project.json");
    await make(project, t);
    t.match(await koor(["whoami"]), { code: 2, stderr: /\.koor\/project\.json/ });
    t.match(await koor(["status"], { env: { KOOR_SERVER: "" } }), { code: 2, stderr: /\.koor\/project\.json/ });
    rmSync(project, { recursive: true });
    await make(join(cwd, ".koor", "instance.json"), t);
    t.match(await koor(["status"]), { code: 2, stderr: /\.koor\/instance\.json/ });
    t.ok(performance.now() - begun < ENDED_MS, "it ends in time");
    t.equal(fake.requests.length, 1, "only the first call was sent");
  });
}

t.test("a link for the user's own settings may lead anywhere, and only a file is read", { skip: SKIP }, async (t) => {
  const { fake, cwd, outside, koor } = await setUp(t);
  const env = { HOME: join(cwd, "home"), XDG_CONFIG_HOME: "", KOOR_SERVER: fake.url };
  mkdirSync(join(cwd, "home", ".config", "koor"), { recursive: true });
  const own = join(cwd, "home", ".config", "koor", "settings.json");
  writeFileSync(join(outside, "mine.json"), JSON.stringify({ server: fake.url, token: "mine" }));
  symlinkSync(join(outside, "mine.json"), own);
  t.equal((await koor(["status"], { env: { ...env, KOOR_SERVER: "" } })).code, 0);
  t.equal(fake.requests.at(-1)?.headers.authorization, "Bearer mine");
  t.equal((await koor(["config", "set", "--user", "token", "new"], { env })).code, 0);
  t.match(JSON.parse(readFileSync(join(outside, "mine.json"), "utf8")), { token: "new" });
  t.ok(lstatSync(own).isSymbolicLink(), "the link stays");
  rmSync(own);
  execFileSync("mkfifo", [own]);
  t.match(await koor(["status"], { env }), { code: 2, stderr: /not a regular file/ });
});

t.test("links of a project are followed inside of it, and not out of it", { skip: SKIP }, async (t) => {
  const { fake, cwd, outside, koor } = await setUp(t);
  const victim = join(outside, "victim.json");
  const before = readFileSync(victim, "utf8");
  const leadsOut = /is a link that leads out of /;
  writeFileSync(join(cwd, "real.json"), JSON.stringify({ server: fake.url, token: "inside" }));
  symlinkSync("real.json", join(cwd, "settings.json"));
  t.equal((await koor(["status"], { env: {} })).code, 0);
  t.equal(fake.requests.at(-1)?.headers.authorization, "Bearer inside");

  // A link that leads to the whole project is allowed.
  symlinkSync(cwd, join(outside, "alias"));
  t.equal((await runCli(["status"], { cwd: join(outside, "alias"), env: {} })).code, 0);

  rmSync(join(cwd, "settings.json"));
  symlinkSync("../outside/victim.json", join(cwd, "settings.json"));
  t.match((await koor(["status"], { env: {} })).stderr, leadsOut, "it is ignored, with a line");
  t.match(await koor(["config", "set", "token", "x"]), { code: 2, stderr: leadsOut });

  mkdirSync(join(cwd, ".koor"));
  for (const name of ["settings.json", "instance.json"]) {
    symlinkSync(victim, join(cwd, ".koor", name));
    t.match(await koor(["status"]), { code: 2, stderr: leadsOut }, name);
    t.match(await koor(["register", "a", "--save"]), { code: 2, stderr: leadsOut }, `register, ${name}`);
    rmSync(join(cwd, ".koor", name));
  }
  const sent = fake.requests.length;
  rmSync(join(cwd, ".koor"), { recursive: true });
  symlinkSync("../outside", join(cwd, ".koor"));
  t.match(await koor(["register", "a", "--save"]), { code: 2, stderr: leadsOut }, "a link of the folder");
  rmSync(join(cwd, ".koor"));
  symlinkSync("../outside/missing", join(cwd, ".koor"));
  t.match(await koor(["register", "a", "--save"]), { code: 2, stderr: /leads to nothing/ });
  t.equal(fake.requests.length, sent, "no instance was registered");

  rmSync(join(cwd, ".koor"));
  mkdirSync(join(cwd, ".koor"));
  symlinkSync("../../outside/ignored", join(cwd, ".koor", ".gitignore"));
  t.equal((await koor(["register", "a", "--save"])).code, 0);
  t.match(JSON.parse(readFileSync(join(cwd, ".koor", "instance.json"), "utf8")), { id: INSTANCE.id });

  t.equal(readFileSync(victim, "utf8"), before);
  t.same(readdirSync(outside).toSorted(), ["alias", "victim.json"], "nothing was written outside");
});

t.test("a client's file is not written through a link out of the project", { skip: SKIP }, async (t) => {
  const { cwd, outside, koor } = await setUp(t);
  for (const client of CLIENT_NAMES) {
    const { place, path } = mcpClient(client);
    if (place === "home") continue;
    const write = async () => await koor(["mcp", "config", "--client", client, "--write"]);
    const file = join(cwd, path);
    const [first = ""] = path.split("/");
    if (first !== path) {
      symlinkSync("../outside", join(cwd, first));
      t.match(await write(), { code: 2, stderr: /leads out of/ }, `${path}: a link of its folder`);
      rmSync(join(cwd, first));
      mkdirSync(join(cwd, first));
    }
    symlinkSync(join(outside, "victim.json"), file);
    t.match(await write(), { code: 2, stderr: /leads out of/ }, `${path}: a link`);
    rmSync(file);
    symlinkSync(join(outside, "new.json"), file);
    t.match(await write(), { code: 2, stderr: /leads to nothing/ }, `${path}: a link to a file that is not there`);
    rmSync(file);
    for (const [kind, make] of client === "claude" ? Object.entries(ODDITIES) : []) {
      await make(file, t);
      t.match(await write(), { code: 2, stderr: /cannot|too large/ }, `${path}: ${kind}`);
      rmSync(file, { recursive: true });
    }
    writeFileSync(join(cwd, `${client}.inside`), "");
    symlinkSync(join(cwd, `${client}.inside`), file);
    t.equal((await write()).code, 0, `${path}: a link inside`);
    t.match(readFileSync(join(cwd, `${client}.inside`), "utf8"), /koor/);
  }
  t.same(readdirSync(outside), ["victim.json"]);
  t.equal(readFileSync(join(outside, "victim.json"), "utf8"), '{"server":"http://localhost:1"}');
});

t.test("files that a command names are read and written, and other kinds refused", { skip: SKIP }, async (t) => {
  const { fake, cwd, outside, koor } = await setUp(t);
  const set = async (path: string, options: Partial<CliOptions> = {}) =>
    await koor(["state", "set", "k", "--file", path], options);
  execFileSync("mkfifo", [join(cwd, "fifo")]);
  await ODDITIES["a socket"]?.(join(cwd, "socket"), t);
  mkdirSync(join(cwd, "folder"));
  for (const [path, says] of [
    ["fifo", /no program writes to this pipe/],
    ["socket", /it is a socket/],
    ["folder", /it is a directory/],
    ["/dev/zero", /it is a device/],
    ["missing", /no such file/],
  ] as const) {
    t.match(await set(path), { code: 2, stderr: says }, path);
    t.match(await koor(["restore", "--file", path]), { code: 2, stderr: says }, `restore: ${path}`);
  }
  t.equal(fake.requests.length, 0, "nothing was sent");
  for (const path of ["-", "/dev/stdin", "/dev/fd/0"]) {
    t.equal((await set(path, { input: "from stdin" })).code, 0, path);
    t.equal(fake.requests.at(-1)?.body.toString(), "from stdin", path);
  }
  t.equal((await set("/dev/null")).code, 0);
  const writer = spawn("sh", ["-c", "echo from a pipe > fifo"], { cwd });
  const written = new Promise((resolve) => writer.once("close", resolve));
  t.equal((await set("fifo")).code, 0, "a pipe with a writer");
  t.equal(fake.requests.at(-1)?.body.toString(), "from a pipe\n");
  await written;

  writeFileSync(join(outside, "secret.txt"), "secret");
  writeFileSync(join(cwd, "inside.txt"), "inside");
  symlinkSync("../outside/secret.txt", join(cwd, "notes.md"));
  symlinkSync("../outside", join(cwd, "docs"));
  symlinkSync("notes.md", join(cwd, "twice.md"));
  symlinkSync("inside.txt", join(cwd, "alias.md"));
  symlinkSync("gone.txt", join(cwd, "dangling.md"));
  const sent = fake.requests.length;
  const leadsOut = { code: 2, stderr: /it is a link that leads out of / };
  for (const path of ["notes.md", "./notes.md", join(cwd, "notes.md"), "docs/secret.txt", "twice.md"]) {
    t.match(await set(path), leadsOut, path);
    t.match(await koor(["restore", "--file", path]), leadsOut, `restore: ${path}`);
    t.match(await koor(["task", "add", "t", "--file", path]), leadsOut, `task add: ${path}`);
  }
  t.match(await set("docs/../secret.txt"), { code: 2, stderr: /no such file/ }, "the parent of the named path");
  t.match(await set("dangling.md"), { code: 2, stderr: /no such file/ });
  t.equal(fake.requests.length, sent, "nothing was sent");
  t.equal((await set("alias.md")).code, 0, "a link within the project");
  t.equal(fake.requests.at(-1)?.body.toString(), "inside");
  symlinkSync("secret.txt", join(outside, "own.txt"));
  for (const path of ["../outside/own.txt", join(outside, "own.txt")]) {
    t.equal((await set(path)).code, 0, path);
    t.equal(fake.requests.at(-1)?.body.toString(), "secret", "a link outside is the user's own");
  }

  fake.answer = () => replyJson([{ rule_id: "r" }]);
  const write = async (path: string) => await koor(["rules", "export", "--output", path]);
  symlinkSync("../outside/victim.json", join(cwd, "out.json"));
  t.match(await write("out.json"), { code: 2, stderr: /leads out of/ });
  symlinkSync("../outside", join(cwd, "elsewhere"));
  t.match(await write("elsewhere/out.json"), { code: 2, stderr: /leads out of/ }, "a link of its folder");
  t.match(await koor(["backup", "--output", "out.json"]), { code: 2, stderr: /leads out of/ });
  t.match(await write("fifo"), { code: 2, stderr: /not a regular file/ });
  t.match(await write("folder"), { code: 2, stderr: /it is a directory/ });
  t.match(await write("../outside/rules.json"), { code: 0 }, "outside, where the command named it");
  t.ok(existsSync(join(outside, "rules.json")));
  symlinkSync("rules.json", join(outside, "link.json"));
  t.match(await write("../outside/link.json"), { code: 0 }, "a link outside is the user's own");
  t.ok(lstatSync(join(outside, "link.json")).isSymbolicLink());
  t.match(await write("/dev/null"), { code: 0 }, "a device is written to");
  t.ok(lstatSync("/dev/null").isCharacterDevice());
  t.equal(readFileSync(join(outside, "victim.json"), "utf8"), '{"server":"http://localhost:1"}');
});
