/** Tests `whoami`: its JSON line, its lines for people, and the sources that it names. */
import { mkdirSync, writeFileSync } from "node:fs";
import { hostname } from "node:os";
import { join } from "node:path";
import t, { type Test } from "tap";

import { FakeServer, replyError, replyJson } from "../test/cli/fake-server.js";
import { countedGit, git, gitEnvironment, makeRepository } from "../test/cli/git.js";
import { runAtTerminal, runCli, terminalMissing } from "../test/cli/run-cli.js";
import { makeDirectory } from "../test/support/server-process.js";

const ID = "5e7b17c4-771f-4532-ba3e-316440b425fd";
/** The URL of a server that does not run. */
const AWAY = "http://127.0.0.1:1";

async function setUp(t: Test) {
  const fake = await FakeServer.start();
  t.teardown(() => fake.stop());
  const top = makeDirectory(t);
  const home = join(top, "home");
  mkdirSync(home);
  const root = makeRepository(home, join(top, "trucks"), "https://git.example/acme/trucks.git");
  mkdirSync(join(root, ".koor"));
  mkdirSync(join(root, "src"));
  const env = gitEnvironment(home);
  const koor = async (args: readonly string[], more: Readonly<Record<string, string>> = {}) =>
    await runCli(args, { cwd: join(root, "src"), env: { ...env, ...more } });
  const write = (name: string, value: unknown): void => writeFileSync(join(root, name), JSON.stringify(value));
  return { fake, top, home, root, env, koor, write };
}

t.test("one line of JSON names each part, and where it was found", async (t) => {
  const { fake, home, root, koor, write } = await setUp(t);
  const ask = async (args: readonly string[] = [], more: Readonly<Record<string, string>> = {}) => {
    const { code, stdout, stderr } = await koor(["whoami", ...args], more);
    t.match({ code, stderr }, { code: 0, stderr: "" });
    t.equal(stdout.indexOf("\n"), stdout.length - 1, "one line");
    return JSON.parse(stdout) as Readonly<Record<string, unknown>>;
  };
  const away = { KOOR_SERVER: AWAY };
  const first = await ask([], away);
  t.same(Object.keys(first), ["workspace", "checkout", "instance", "server", "context"]);
  t.match(first, {
    workspace: { name: "git.example/acme/trucks", from: "git remote" },
    checkout: { id: /^[0-9a-f]{16}$/, branch: "main", root, machine: hostname() },
    instance: null,
    server: { url: AWAY, from: "KOOR_SERVER" },
    context: null,
  });
  t.same(await ask(["--json"], away), first);
  t.match(await ask(["--workspace", "w"], away), { workspace: { name: "w", from: "--workspace" } });
  t.match(await ask([], { ...away, KOOR_WORKSPACE: "v" }), { workspace: { name: "v", from: "KOOR_WORKSPACE" } });
  t.match(await ask(["--server", `${AWAY}/koor/`], away), { server: { url: `${AWAY}/koor`, from: "--server" } });
  const cluster = `${AWAY},http://127.0.0.1:2`;
  t.match(await ask([], { KOOR_SERVER: cluster }), { server: { url: cluster, from: "KOOR_SERVER" } });
  t.match(await ask(), { server: { url: "http://localhost:9800", from: "default" } });

  // Each source that is added takes precedence over those that were added before.
  mkdirSync(join(home, ".config", "koor"), { recursive: true });
  writeFileSync(
    join(home, ".config", "koor", "settings.json"),
    JSON.stringify({ server: `${AWAY}/own`, token: "own" }),
  );
  t.match(await ask(), { server: { url: `${AWAY}/own`, from: "your settings" } });
  write(".koor/instance.json", { id: ID, token: "t", server: `${AWAY}/i` });
  t.same((await ask())["server"], { url: `${AWAY}/i`, from: ".koor/instance.json" });
  write(".koor/project.json", { workspace: "of the project", server: `${AWAY}/p` });
  t.match(await ask(), {
    workspace: { name: "of the project", from: ".koor/project.json" },
    instance: { id: ID, name: null, from: ".koor/instance.json" },
    server: { url: `${AWAY}/p`, from: ".koor/project.json" },
  });
  write("src/settings.json", { server: `${AWAY}/bare` });
  t.match(await ask(), { server: { url: `${AWAY}/bare`, from: "settings.json" } });
  write(".koor/settings.json", { server: `${AWAY}/s` });
  t.match(await ask(), { server: { url: `${AWAY}/s`, from: ".koor/settings.json" } });

  const session = { ...away, CLAUDE_CODE_SESSION_ID: "s" };
  t.same((await ask([], session))["instance"], { id: null, name: null, from: "CLAUDE_CODE_SESSION_ID" });
  t.same((await ask([], { ...session, KOOR_SESSION: "s" }))["instance"], {
    id: null,
    name: null,
    from: "KOOR_SESSION",
  });
  t.same((await ask([], { ...session, KOOR_INSTANCE: "i" }))["instance"], {
    id: "i",
    name: null,
    from: "KOOR_INSTANCE",
  });
  t.same(fake.requests, [], "no other server was asked");
});

t.test("a server that answers names the instance", async (t) => {
  const { fake, koor, write } = await setUp(t);
  const name = async (more: Readonly<Record<string, string>> = {}) => {
    const { code, stdout, stderr } = await koor(["whoami"], { KOOR_SERVER: fake.url, ...more });
    t.match({ code, stderr }, { code: 0, stderr: "" });
    return (JSON.parse(stdout) as { readonly instance: unknown }).instance;
  };
  write(".koor/instance.json", { id: ID, token: "t", server: fake.url });
  fake.answer = () => replyJson({ id: ID, name: "ana" });
  t.same(await name(), { id: ID, name: "ana", from: ".koor/instance.json" });
  t.match(fake.requests, [{ method: "GET", url: `/api/instances/${ID}`, headers: { authorization: "Bearer t" } }]);
  t.same(await name({ KOOR_INSTANCE: "a/b" }), { id: "a/b", name: "ana", from: "KOOR_INSTANCE" });
  t.equal(fake.requests.at(-1)?.url, "/api/instances/a%2Fb");
  for (const answer of [
    replyError(404, "instance not found: x"),
    replyError(401, "invalid or missing bearer token"),
    { body: "<html>" },
    replyJson({ name: 1 }),
    "close",
    "half",
  ] as const) {
    fake.answer = () => answer;
    t.match(await name(), { id: ID, name: null }, JSON.stringify(answer));
  }
});

t.test("it asks no question, and sends no token that may not be sent", async (t) => {
  const { fake, koor, write } = await setUp(t);
  write(".koor/project.json", { server: fake.url });
  write(".koor/instance.json", { id: ID });
  t.match(await koor(["whoami"], { KOOR_TOKEN: "mine" }), { code: 0, stderr: "", stdout: /"id":"5e7b17c4/ });
  t.equal(fake.requests.at(-1)?.headers.authorization, undefined);
  write(".koor/project.json", { workspace: 5 });
  t.match(await koor(["whoami"]), { code: 3, stdout: "", stderr: /project\.json: workspace must be a string/ });
});

t.test("a person at a terminal gets lines, with control characters escaped", { skip: terminalMissing() }, async (t) => {
  const { root, env, write, top, home } = await setUp(t);
  const at = async (cwd: string, ...args: string[]) =>
    await runAtTerminal(["whoami", ...args], { cwd, env: { ...env, KOOR_SERVER: AWAY } }, []);
  const { code, shown } = await at(root);
  t.equal(code, 0);
  t.match(shown, /^workspace {2}git\.example\/acme\/trucks \(git remote\)\n/);
  t.match(shown, /\ncheckout {3}[0-9a-f]{16} \(\S+\/trucks, branch main, \S+\)\n/);
  t.match(shown, /\ninstance {3}none\nserver {5}http:\/\/127\.0\.0\.1:1 \(KOOR_SERVER\)\ncontext {4}none\n$/);
  write(".koor/instance.json", { id: ID });
  t.match((await at(root)).shown, `\ninstance   ${ID} (.koor/instance.json)\n`);
  t.match((await at(root, "--json")).shown, /^\{"workspace":\{"name":"git\.example/);
  t.match((await at(root, "--pretty")).shown, /^\{\n {2}"workspace"/);
  const odd = makeRepository(home, join(top, "odd"));
  git(home, odd, "symbolic-ref", "HEAD", "refs/heads/a\u009bb");
  t.notMatch((await at(odd)).shown, "\u009b");
});

t.test("a command that does not need the workspace starts no git and reads no project's file", async (t) => {
  const { fake, top, root, koor } = await setUp(t);
  const counted = countedGit(join(top, "bin"));
  const env = { KOOR_SERVER: fake.url, PATH: counted.path };
  fake.answer = () => replyJson({ free: true, id: "lease-1", state: "held" });
  writeFileSync(join(root, ".koor", "project.json"), "{");
  for (const args of [
    ["state", "get", "k"],
    ["lease", "acquire", "path:a"],
    ["task", "add", "t", "--workspace", "w"],
    ["--help"],
  ])
    t.match(await koor(args, env), { code: 0, stderr: "" }, args.join(" "));
  t.match(await koor(["lease", "check", "a"], env), { code: 3, stderr: /project\.json is not valid JSON/ });
  t.same(counted.calls(), []);
  writeFileSync(join(root, ".koor", "project.json"), "{}");
  t.match(await koor(["lease", "check", "a"], env), { code: 0 });
  t.equal(counted.calls().length, 1, "it is started once");
  t.equal(fake.requests.at(-1)?.headers["x-koor-workspace"], "trucks");
  t.match(await koor(["lease", "check", "a"], { KOOR_SERVER: fake.url }), { code: 0 });
  t.equal(fake.requests.at(-1)?.headers["x-koor-workspace"], "git.example%2Facme%2Ftrucks");
});
