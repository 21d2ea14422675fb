/** Tests which token is sent to which server, for every place in which a token or a server can be set. */
import { existsSync, mkdirSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import t from "tap";

import { FakeServer } from "../test/cli/fake-server.js";
import { runAtTerminal, runCli, terminalMissing } from "../test/cli/run-cli.js";

t.test("a token is sent only to its server", async (t) => {
  const fake = await FakeServer.start();
  const other = await FakeServer.start();
  t.teardown(() => Promise.all([fake.stop(), other.stop()]));
  const cwd = t.testdir({ folder: {}, home: { koor: {} } });
  const folder = join(cwd, "folder");
  const home = join(cwd, "home");
  const user = join(home, "koor", "settings.json");
  /** Runs a command. Returns the token that each server received; null for a server that received no request. */
  const ask = async (env: Readonly<Record<string, string>>, ...args: string[]) => {
    const before = [fake.requests.length, other.requests.length];
    const words = args.length === 0 ? ["state", "list"] : args;
    const { code, stderr } = await runCli(words, { cwd: folder, env: { XDG_CONFIG_HOME: home, ...env } });
    const received = [fake, other].map(({ requests }, at) => {
      const request = requests.slice(before[at])[0];
      return request === undefined ? null : (request.headers.authorization ?? "");
    });
    return { code, received, stderr };
  };
  const write = (path: string, value: object) => writeFileSync(path, JSON.stringify(value));
  const settings = join(folder, "settings.json");
  write(settings, { server: fake.url });
  const token = { KOOR_TOKEN: "mine" };
  const withheld = {
    code: 2,
    received: [null, null],
    stderr: /KOOR_TOKEN is not sent to .*settings\.json.*\n.*--server/,
  };
  t.match(await ask(token), withheld, "only the folder names the server");
  t.match(await ask(token, "events", "subscribe"), withheld, "over a WebSocket");
  t.match(await ask(token, "mcp", "stdio"), withheld, "over the bridge");
  t.match(
    await ask(token, "mcp", "config", "--client", "claude", "--write"),
    withheld,
    "nor is it written for a client",
  );
  t.match(await ask(token, "lease", "run", "r", "--", "true"), withheld, "nor to a command");
  t.match(await ask({}), { code: 0, received: ["", null] }, "without a token the request is sent");
  t.match(await ask({ ...token, KOOR_SERVER: fake.url }), { code: 0, received: ["Bearer mine", null] });
  t.match(await ask(token, "state", "list", "--server", fake.url), { code: 0, received: ["Bearer mine", null] });
  t.match(await ask(token, "state", "list", "--server", other.url), { code: 0, received: [null, "Bearer mine"] });
  write(settings, { server: `${other.url},${fake.url}` });
  write(user, { server: other.url, token: "own" });
  t.match(await ask({}), { code: 2, received: [null, null], stderr: /your own settings is not sent to .*which only/ });
  write(settings, { server: other.url });
  t.match(await ask({}), { code: 0, received: [null, "Bearer own"] }, "the user has named it, too");
  t.match(await ask(token), { code: 0, received: [null, "Bearer mine"] });
  write(settings, { server: fake.url });
  write(user, { server: other.url, token: "own", trusted_servers: [fake.url] });
  t.match(await ask({}), { code: 0, received: ["Bearer own", null] }, "the user trusts it");
  write(user, { token: "own" });
  write(settings, { server: fake.url, token: "folder" });
  t.match(await ask(token), { code: 0, received: ["Bearer folder", null] }, "a token for this server is sent");
  t.match(await ask({ KOOR_SERVER: other.url }), { code: 0, received: [null, "Bearer own"] }, "and to no other");
  fake.answer = () => ({ status: 307, body: "{}", headers: { Location: `${other.url}/api/state` } });
  t.match(await ask({}), { code: 3, received: ["Bearer folder", null] }, "a redirect is not followed");
  const config = await ask({}, "mcp", "config", "--client", "claude", "--write");
  t.equal(config.code, 0);
  t.notMatch(readFileSync(join(folder, ".mcp.json"), "utf8"), "KOOR_TOKEN", "a client would send the user's own token");
  rmSync(settings);
  mkdirSync(join(folder, ".koor"));
  write(join(folder, ".koor", "instance.json"), { id: "i", server: fake.url });
  t.match(await ask(token), { ...withheld, stderr: /instance\.json/ }, "an instance's file names a server, too");
  t.equal(
    (await runCli(["config", "set", "--user", "server", fake.url], { cwd: folder, env: { HOME: home } })).code,
    0,
  );
  t.same(JSON.parse(readFileSync(join(home, ".config", "koor", "settings.json"), "utf8")), { server: fake.url });
});

t.test("a project's file names a server, and gets no token that is not for it", async (t) => {
  const fake = await FakeServer.start();
  const other = await FakeServer.start();
  t.teardown(() => Promise.all([fake.stop(), other.stop()]));
  const cwd = t.testdir({ project: { ".git": {}, ".koor": {}, sub: {} }, home: { koor: {} } });
  const folder = join(cwd, "project");
  const write = (name: string, value: unknown) =>
    writeFileSync(join(folder, name), typeof value === "string" ? value : JSON.stringify(value));
  const project = ".koor/project.json";
  const ask = async (env: Readonly<Record<string, string>>, ...args: string[]) => {
    const before = [fake.requests.length, other.requests.length];
    const home = { XDG_CONFIG_HOME: join(cwd, "home") };
    const options = { cwd: join(folder, "sub"), env: { ...home, ...env } };
    const { code, stderr } = await runCli(["state", "list", ...args], options);
    const received = [fake, other].map(({ requests }, at) => {
      const request = requests.slice(before[at])[0];
      return request === undefined ? null : (request.headers.authorization ?? "");
    });
    return { code, received, stderr };
  };
  const token = { KOOR_TOKEN: "mine" };
  write(project, { server: fake.url, token: "committed" });
  t.match(await ask({}), { code: 0, received: ["", null], stderr: "" }, "a token in the file is not used");
  t.match(
    await ask(token),
    {
      code: 2,
      received: [null, null],
      stderr: /KOOR_TOKEN is not sent to http.*, which only \.\.\/\.koor\/project\.json names\n.*--server/,
    },
    "only the project names the server",
  );
  write(project, { server: `${fake.url}/$(id);'` });
  const word = `'${fake.url}/$(id);'\\'''`;
  t.equal(
    (await ask(token)).stderr.split("\n")[1],
    `to send it there name the server yourself: --server ${word}, KOOR_SERVER=${word}, or koor config set --user server ${word}`,
    "a shell can run the command",
  );
  write(project, { server: fake.url, token: "committed" });
  t.match(await ask(token, "--server", fake.url), { code: 0, received: ["Bearer mine", null] });
  write("../home/koor/settings.json", { server: other.url, token: "own" });
  t.match(await ask({}), { code: 2, received: [null, null], stderr: /the token of your own settings is not sent/ });
  write("../home/koor/settings.json", { server: other.url, token: "own", trusted_servers: [fake.url] });
  t.match(await ask({}), { code: 0, received: ["Bearer own", null] }, "the user trusts it");
  write("../home/koor/settings.json", {});
  write(".koor/instance.json", { id: "i", token: "of-instance", server: other.url });
  t.match(await ask({}), { code: 0, received: ["", null] }, "it wins over the server of the instance");
  write(".koor/instance.json", { id: "i", token: "of-instance", server: fake.url });
  t.match(await ask({}), { code: 0, received: ["Bearer of-instance", null] });
  write(".koor/settings.json", { server: other.url });
  t.match(await ask({}), { code: 0, received: [null, ""] }, "settings.json wins over it");
  write(".koor/settings.json", { token: "of-folder" });
  t.match(
    await ask({}),
    { code: 0, received: ["Bearer of-instance", null] },
    "a token without a server does not go to a server that only the project names",
  );
  write(".koor/instance.json", { id: "i", token: "of-instance" });
  const withheld = /the token of \.\.\/\.koor\/settings\.json is not sent to http.*, which only .*project\.json names/;
  t.match(await ask({}), { code: 2, received: [null, null], stderr: withheld });
  write("../home/koor/settings.json", { trusted_servers: [fake.url] });
  t.match(await ask({}), { code: 0, received: ["Bearer of-folder", null] }, "until the user trusts it");
  write("../home/koor/settings.json", {});
  write(".koor/instance.json", { id: "i", token: "of-instance", server: fake.url });
  rmSync(join(folder, ".koor", "settings.json"));
  write(project, { workspace: "w" });
  t.match(await ask({}), { code: 0, received: ["Bearer of-instance", null] }, "a project need not name a server");

  write(project, "{");
  t.match(await ask({}), {
    code: 3,
    received: [null, null],
    stderr: "koor: ../.koor/project.json is not valid JSON\n",
  });
  t.match(await ask({ KOOR_SERVER: fake.url }), { code: 0 }, "it is not read if it decides nothing");
  write(project, { server: "ftp://a" });
  t.match(await ask({}), { code: 3, stderr: /^koor: \.\.\/\.koor\/project\.json: server must be an http/ });
});

t.test("at a terminal the user is asked, and the answer is stored", { skip: terminalMissing() }, async (t) => {
  const fake = await FakeServer.start();
  t.teardown(() => fake.stop());
  const cwd = t.testdir({ folder: { "settings.json": JSON.stringify({ server: fake.url }) }, home: { koor: {} } });
  const user = join(cwd, "home", "koor", "settings.json");
  const options = { cwd: join(cwd, "folder"), env: { XDG_CONFIG_HOME: join(cwd, "home"), KOOR_TOKEN: "mine" } };
  /**
   * Runs a command on a terminal. Returns the terminal's output and the token that the server received. The token is
   * null if the server received no request.
   */
  const ask = async (answers: readonly (string | null)[], redirected = "") => {
    const before = fake.requests.length;
    const { code, shown } = await runAtTerminal(["state", "list"], options, answers, redirected);
    const request = fake.requests.slice(before)[0];
    return { code, shown, received: request === undefined ? null : (request.headers.authorization ?? "") };
  };
  const question = `koor: settings.json names the server ${fake.url}/. Send KOOR_TOKEN there? [y/N] `;
  const refused = { code: 2, received: null, shown: /KOOR_TOKEN is not sent to .*, which only settings\.json names/ };
  for (const answer of ["n\n", "\n", "no\n", "yn\n", "y?\n", `${"x".repeat(300)}\n`, "\u0439\n"]) {
    const { shown, ...rest } = await ask([answer]);
    t.match({ shown, ...rest }, refused, JSON.stringify(answer));
    t.ok(shown.startsWith(question), shown);
  }
  t.match(await ask([null]), refused, "the end of the input");
  t.match(await ask(["\x03"]), { received: null }, "an interrupt");
  t.match(
    await ask([], "</dev/null"),
    { ...refused, shown: /^(?!.*\[y\/N\])/s },
    "stdin is no terminal, so the user is not asked",
  );
  const errors = join(cwd, "errors");
  t.match(await ask([], `2>${errors}`), { code: 2, received: null, shown: "" }, "nor where stderr is none");
  t.match(readFileSync(errors, "utf8"), refused.shown);
  t.equal(existsSync(user), false, "none of these answers is stored");

  const agreed = await ask(["y\n"], "| cat");
  t.match(agreed, { code: 0, received: "Bearer mine" }, "yes, wherever the answer goes");
  t.ok(agreed.shown.startsWith(question), agreed.shown);
  t.same(JSON.parse(readFileSync(user, "utf8")), { trusted_servers: [`${fake.url}/`] });
  t.equal(statSync(user).mode & 0o777, 0o600);
  t.match(
    await ask([]),
    { code: 0, received: "Bearer mine", shown: /^(?!.*\[y\/N\])/s },
    "and the question is not repeated",
  );

  for (const answer of ["YES\n", "Y \n"]) {
    writeFileSync(user, JSON.stringify({ token: "own", other: 1 }));
    t.match(await ask([answer]), { code: 0, received: "Bearer mine" }, JSON.stringify(answer));
    t.same(JSON.parse(readFileSync(user, "utf8")), { token: "own", other: 1, trusted_servers: [`${fake.url}/`] });
  }
  writeFileSync(user, "{");
  t.match(await ask(["y\n"]), { received: null }, "unreadable settings stop the command first");
});
