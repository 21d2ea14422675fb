/** Tests contexts: the commands that change them, which context applies, and which server gets its token. */
import { chmodSync, mkdirSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import t, { type Test } from "tap";

import { examine } from "../test/cli/doctor.js";
import { FakeServer, replyJson } from "../test/cli/fake-server.js";
import { runCli } from "../test/cli/run-cli.js";
import { makeDirectory } from "../test/support/server-process.js";

const OWNER_ONLY = 0o600;
const PERMISSIONS = 0o777;

async function setUp(t: Test) {
  const servers = [await FakeServer.start(), await FakeServer.start(), await FakeServer.start()] as const;
  t.teardown(async () => await Promise.all(servers.map((server) => server.stop())));
  // Use a folder outside of this repository. Otherwise init would write into the repository.
  const top = makeDirectory(t);
  const [folder, home] = [join(top, "folder"), join(top, "home")];
  for (const path of [folder, home]) mkdirSync(path);
  const file = join(home, "koor", "contexts.json");
  const koor = async (args: readonly string[], env: Readonly<Record<string, string>> = {}, input = "") =>
    await runCli(args, { cwd: folder, env: { XDG_CONFIG_HOME: home, ...env }, input });
  const must = async (...args: readonly string[]): Promise<string> => {
    const { code, stdout, stderr } = await koor(args);
    if (code !== 0) throw new Error(`koor ${args.join(" ")}: ${stderr}`);
    return stdout;
  };
  /**
   * Runs a command that calls a server. Returns the token that each fake server received; null if it got no request.
   */
  const ask = async (args: readonly string[], env: Readonly<Record<string, string>> = {}) => {
    const before = servers.map(({ requests }) => requests.length);
    const { code, stderr } = await koor(["state", "list", ...args], env);
    const received = servers.map(({ requests }, at) => {
      const request = requests.slice(before[at])[0];
      return request === undefined ? null : (request.headers.authorization ?? "");
    });
    return { code, received, stderr };
  };
  const write = (name: string, value: unknown): void => {
    mkdirSync(join(top, name, ".."), { recursive: true });
    writeFileSync(join(top, name), typeof value === "string" ? value : JSON.stringify(value));
  };
  /** Saves a context that has a token. */
  const add = async (name: string, server: string, token: string): Promise<void> => {
    await koor(["context", "add", name, "--server", server, "--token", "-"], {}, `${token}\n`);
  };
  return { servers, top, folder, home, file, koor, must, ask, write, add };
}

t.test("contexts are added, listed, shown, chosen and removed, and no token is printed", async (t) => {
  const { koor, must, file, folder } = await setUp(t);
  t.equal(await must("context", "list"), "[]\n");
  writeFileSync(join(folder, "token"), "s3cret\n");
  const { stdout } = await koor(["context", "add", "prod", "--server", "https://a,https://b", "--token-file", "token"]);
  t.equal(stdout, '{"added":"prod"}\n');
  t.equal(statSync(file).mode & PERMISSIONS, OWNER_ONLY);
  t.same(JSON.parse(readFileSync(file, "utf8")), {
    contexts: { prod: { server: "https://a,https://b", token: "s3cret" } },
  });
  chmodSync(file, 0o644);
  t.equal(await must("--server", "http://c", "context", "add", "test.1"), '{"added":"test.1"}\n');
  t.equal(statSync(file).mode & PERMISSIONS, OWNER_ONLY, "the mode is narrowed");
  const prod = '"name":"prod","server":"https://a,https://b","has_token":true';
  const test = '"name":"test.1","server":"http://c","has_token":false';
  t.equal(await must("context", "list"), `[{${prod},"current":false},{${test},"current":false}]\n`);
  t.equal(await must("context", "show", "prod"), `{${prod}}\n`);
  t.match(await koor(["context", "show"]), { code: 1, stdout: "", stderr: /no context is in effect/ });
  t.equal(await must("context", "use", "prod"), '{"using":"prod"}\n');
  t.equal(await must("context", "list"), `[{${prod},"current":true},{${test},"current":false}]\n`);
  t.equal(await must("context", "show"), `{${prod},"from":"context use"}\n`);
  t.equal(await must("context", "show", "--context", "test.1"), `{${test},"from":"--context"}\n`);
  t.equal((await koor(["context", "show"], { KOOR_CONTEXT: "test.1" })).stdout, `{${test},"from":"KOOR_CONTEXT"}\n`);
  t.equal(await must("context", "add", "test.1", "--server", "http://d"), '{"added":"test.1"}\n', "it is replaced");
  t.match(await must("context", "show", "test.1"), '"server":"http://d"');
  t.equal(await must("context", "use", "--none"), '{"using":null}\n');
  t.match(await koor(["context", "show"]), { code: 1 });
  await must("context", "use", "prod");
  t.equal(await must("context", "remove", "prod"), '{"removed":"prod"}\n');
  t.notMatch(readFileSync(file, "utf8"), "s3cret");
  t.match(await koor(["context", "show"]), { code: 1 }, "the chosen one was removed");
});

t.test("wrong names, servers and tokens are refused, and nothing is written", async (t) => {
  const { koor, must, file, write, home } = await setUp(t);
  const add = ["context", "add", "a", "--server", "http://a"];
  const refusals: readonly (readonly [args: readonly string[], input: string, code: number, says: RegExp])[] = [
    [["context", "add", "a b", "--server", "http://a"], "", 2, /the name of a context must be 1 to 64/],
    [["context", "add", "x".repeat(65), "--server", "http://a"], "", 2, /the name of a context/],
    [["context", "add", "__proto__", "--server", "http://a"], "", 2, /the name of a context/],
    [["context", "add", "a"], "", 2, /--server is required/],
    [["context", "add", "a", "--server", "ftp://a"], "", 2, /server must be an http/],
    [[...add, "--token", "visible"], "", 2, /--token must be -/],
    [[...add, "--token", "-", "--token-file", "f"], "", 2, /not both/],
    [[...add, "--token", "-"], "\n", 2, /token must be visible ASCII/],
    [[...add, "--token", "-"], "a b\n", 2, /token must be visible ASCII/],
    [[...add, "--token-file", "nothing"], "", 2, /cannot read nothing/],
    [["context", "use", "a"], "", 1, /no such context: a \(there are none: see koor context add\)/],
    [["context", "use"], "", 2, /a name or --none is required/],
    [["context", "use", "a", "--none"], "", 2, /a name or --none is required/],
    [["context", "remove", "a"], "", 1, /no such context: a/],
    [["context", "show", "a"], "", 1, /no such context: a/],
  ];
  for (const [args, input, code, says] of refusals)
    t.match(await koor(args, {}, input), { code, stdout: "", stderr: says }, args.join(" "));
  t.throws(() => statSync(file), "there is no file");
  await must(...add);
  t.match(await koor(["status", "--context", "b"]), { code: 2, stdout: "", stderr: /no such context: b \(a\)/ });
  t.match(await koor(["status"], { KOOR_CONTEXT: "b" }), { code: 3, stderr: /KOOR_CONTEXT: no such context: b \(a\)/ });
  for (const [text, says] of [
    ["{", /contexts\.json is not valid JSON/],
    ['{"contexts":[]}', /contexts must be an object/],
    ['{"contexts":{"a":1}}', /context "a": it must be an object/],
    ['{"contexts":{"a":{"server":"ftp://a"}}}', /context "a": server must be/],
    ['{"contexts":{"a":{"server":"http://a","token":5}}}', /context "a": token must be/],
  ] as const) {
    write("home/koor/contexts.json", text);
    t.match(await koor(["state", "list"]), { code: 3, stdout: "", stderr: says }, text);
    t.match(await koor(add), { code: 3, stderr: says }, "it is not overwritten");
    t.equal(readFileSync(file, "utf8"), text);
  }
  rmSync(file);
  mkdirSync(file);
  t.match(await koor(["state", "list"]), { code: 2, stderr: /cannot read .*contexts\.json/ });
  t.match(await koor(add, { XDG_CONFIG_HOME: "", HOME: "" }), { code: 2, stderr: /no place for your own settings/ });
  rmSync(home, { recursive: true });
});

t.test("each source of the server wins over those after it", async (t) => {
  const { servers, ask, must, add, write, koor } = await setUp(t);
  const [one, two, three] = servers.map(({ url }) => url) as [string, string, string];
  await add("one", one, "t1");
  await add("two", two, "t2");
  write("home/koor/settings.json", { server: three, token: "own" });
  t.match(await ask([]), { code: 0, received: [null, null, "Bearer own"] }, "no context is chosen");
  await must("context", "use", "one");
  t.match(await ask([]), { code: 0, received: ["Bearer t1", null, null] }, "the chosen one wins over your own file");
  write("folder/settings.json", { server: two });
  t.match(await ask([]), { code: 2, received: [null, null, null], stderr: /own settings is not sent to/ });
  write("home/koor/settings.json", { server: three });
  t.match(await ask([]), { code: 0, received: [null, "", null] }, "the folder's file wins, and gets no token of yours");
  t.match(await ask([], { KOOR_CONTEXT: "one" }), { received: ["Bearer t1", null, null] }, "KOOR_CONTEXT wins over it");
  t.match(await ask([], { KOOR_CONTEXT: "one", KOOR_SERVER: three }), { received: [null, null, ""] });
  t.match(await ask([], { KOOR_CONTEXT: "" }), { received: [null, "", null] }, "an empty variable is not set");
  const all = { KOOR_CONTEXT: "one", KOOR_SERVER: three, KOOR_TOKEN: "env" };
  t.match(
    await ask(["--context", "two"], all),
    { received: [null, "Bearer t2", null] },
    "--context wins over variables",
  );
  t.match(await ask(["--context=one", "--server", two]), { received: [null, "", null] }, "--server wins over it");
  t.match(await ask(["--context", "two", "--server", two]), { received: [null, "Bearer t2", null] });
  const { stdout } = await koor(["whoami", "--context", "two"]);
  t.match(JSON.parse(stdout), {
    server: { url: two, from: "--context" },
    context: { name: "two", from: "--context" },
  });
  t.match(JSON.parse(await must("whoami")), {
    server: { url: two, from: "settings.json" },
    context: { name: "one", from: "context use" },
  });
});

t.test("a context's token goes to the context's servers only", async (t) => {
  const { servers, ask, must, add, write, koor } = await setUp(t);
  const [one, two, three] = servers.map(({ url }) => url) as [string, string, string];
  await add("one", one, "t1");
  await add("bare", three, "");
  await must("context", "add", "bare", "--server", three);
  t.match(await ask(["--context", "one"]), { received: ["Bearer t1", null, null] });
  t.match(await ask(["--context", "one", "--server", two]), { code: 0, received: [null, "", null] });
  t.match(await ask(["--context", "one", "--server", `${two},${one}`]), { code: 0, received: [null, "", null] });
  t.match(await ask([], { KOOR_CONTEXT: "one", KOOR_SERVER: two }), { code: 0, received: [null, "", null] });
  t.match(await ask([], { KOOR_CONTEXT: "one", KOOR_TOKEN: "env" }), { received: ["Bearer env", null, null] });
  t.match(await ask(["--context", "bare"], { KOOR_TOKEN: "env" }), { received: [null, null, "Bearer env"] });
  await must("context", "use", "one");
  write("folder/.koor/project.json", { server: two });
  t.match(await ask([]), { code: 0, received: [null, "", null] }, "another server that the project names");
  write("folder/.koor/project.json", { server: one });
  t.match(await ask([]), { code: 0, received: ["Bearer t1", null, null] }, "the project names the context's server");
  t.match(await ask([], { KOOR_TOKEN: "env" }), { code: 0, received: ["Bearer env", null, null] }, "which is yours");
  write("folder/.koor/project.json", { server: `${one},${two}` });
  t.match(await ask([]), { code: 0, received: ["", null, null] }, "one of the servers is not the context's");
  t.match(await ask([], { KOOR_TOKEN: "env" }), { code: 2, received: [null, null, null] });

  write("folder/.koor/project.json", {});
  write("home/koor/settings.json", { token: "own" });
  t.match(await ask(["--context", "bare"]), { code: 0, received: [null, null, ""] }, "your own token is not for it");
  write("home/koor/settings.json", { token: "own", server: three });
  t.match(
    await ask(["--context", "bare"]),
    { code: 0, received: [null, null, "Bearer own"] },
    "unless your file says so",
  );
  write("home/koor/settings.json", {});
  write("folder/.koor/settings.json", { token: "folder" });
  t.match(await ask(["--context", "bare"]), { code: 0, received: [null, null, ""] }, "nor is the folder's");
  write("folder/.koor/settings.json", { token: "folder", server: three });
  t.match(await ask(["--context", "bare"]), { code: 0, received: [null, null, "Bearer folder"] });

  servers[0].answer = () => ({ status: 307, body: "{}", headers: { Location: `${two}/api/state` } });
  t.match(await ask(["--context", "one"]), { code: 3, received: ["Bearer t1", null, null] }, "a redirect ends it");
  const config = await koor(["mcp", "config", "--client", "claude", "--context", "one"]);
  t.match(config, { code: 0, stdout: one });
  t.notMatch(config.stdout, "t1");
});

t.test("doctor names the context in effect, and who names the server", async (t) => {
  const { servers, add, must, folder, home } = await setUp(t);
  for (const server of servers) server.answer = () => replyJson({ status: "ok", uptime: "1s" });
  await add("one", servers[0].url, "t1");
  const cwd = folder;
  const env = { XDG_CONFIG_HOME: home };
  const identityOf = async (args: readonly string[]) => (await examine(args, { cwd, env })).of("identity");
  const about = async (...args: readonly string[]) =>
    (await identityOf(args)).flatMap(({ message }) => (message.startsWith("context") ? [message] : []));
  t.same(await about(), []);
  await must("context", "use", "one");
  t.same(await about(), ["context one is in effect (context use)"]);
  t.same(await about("--context", "one"), ["context one is in effect (--context)"]);
  const other = await about("--server", servers[1].url);
  t.same(other, ["context one is in effect (context use), but --server names the server"]);
});

t.test("init writes the context's server, and keeps its token for this server's hooks", async (t) => {
  const { servers, add, koor, folder, home } = await setUp(t);
  const [{ url }] = servers;
  await add("one", url, "t1");
  const result = await koor(["init", "--client", "claude", "--yes", "--context", "one"], { HOME: home });
  t.match(result, { code: 0, stderr: "" });
  t.match(JSON.parse(readFileSync(join(folder, ".koor", "project.json"), "utf8")), { server: url });
  const header = join(home, "koor", "hooks", `${encodeURIComponent(url)}.header`);
  t.equal(readFileSync(header, "utf8"), "Authorization: Bearer t1\n");
});

t.test("a command that koor runs asks the context's servers as well", async (t) => {
  const { servers, add, koor, file } = await setUp(t);
  const [one, two] = servers;
  one.answer = () => replyJson({ id: "lease-1", state: "held", fence: 1, ttl_s: 60 });
  await add("one", one.url, "t1");
  await add("two", two.url, "t2");
  const command = ["sh", "-c", 'echo "$KOOR_SERVER $KOOR_TOKEN"'];
  const { code, stdout } = await koor(["lease", "run", "r", "--context", "one", "--", ...command], {
    KOOR_CONTEXT: "two",
    KOOR_TOKEN: "env",
  });
  t.match({ code, stdout }, { code: 0, stdout: `${one.url}/ t1\n` });
  t.ok(statSync(file).isFile());
});
