/**
 * Tests the instance and the token with which commands act, if an environment variable or the instance file names them.
 * Also tests the folders in which the instance file is searched and written.
 */
import { chmodSync, existsSync, mkdirSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import t, { type Test } from "tap";

import { FakeServer, replyJson } from "../test/cli/fake-server.js";
import { runCli } from "../test/cli/run-cli.js";

const ID = "5e7b17c4-771f-4532-ba3e-316440b425fd";

async function setUp(t: Test) {
  const fake = await FakeServer.start();
  t.teardown(() => fake.stop());
  const cwd = t.testdir({ sub: { below: {} } });
  const env = { KOOR_SERVER: fake.url };
  const file = join(cwd, ".koor", "instance.json");
  const write = (value: unknown): void => {
    mkdirSync(join(cwd, ".koor"), { recursive: true });
    writeFileSync(file, typeof value === "string" ? value : JSON.stringify(value));
  };
  /** Runs `koor status`, and returns the token and the instance that the server received. */
  const ask = async (more: Readonly<Record<string, string>> = {}, folder = cwd) => {
    const { code, stderr } = await runCli(["status"], { cwd: folder, env: { ...env, ...more } });
    if (code !== 0) return stderr;
    const { authorization, "x-koor-instance": instance } = fake.requests.at(-1)?.headers ?? {};
    return { authorization, instance };
  };
  return { fake, cwd, env, file, write, ask };
}

t.test("the variable wins, then the nearest file, else there is no instance", async (t) => {
  const { cwd, write, ask } = await setUp(t);
  t.same(await ask(), { authorization: undefined, instance: undefined });
  t.same(await ask({ KOOR_INSTANCE: ID }), { authorization: undefined, instance: ID });
  write({ id: "above" });
  t.same(await ask(), { authorization: undefined, instance: "above" });
  t.same(
    await ask({}, join(cwd, "sub", "below")),
    { authorization: undefined, instance: "above" },
    "the file of a parent folder",
  );
  mkdirSync(join(cwd, "sub", ".koor"));
  t.same(await ask({}, join(cwd, "sub")), { authorization: undefined, instance: "above" }, "a folder without the file");
  writeFileSync(join(cwd, "sub", ".koor", "instance.json"), '{"id":"nearer"}');
  t.same(await ask({}, join(cwd, "sub", "below")), { authorization: undefined, instance: "nearer" });
  t.same(await ask({ KOOR_INSTANCE: "" }), { authorization: undefined, instance: "above" }, "empty is not set");
  write("{nonsense");
  t.same(await ask({ KOOR_INSTANCE: ID }), { authorization: undefined, instance: ID }, "then no file is read");
  t.match(await ask({ KOOR_INSTANCE: "two words" }), /KOOR_INSTANCE must be visible ASCII/);
});

t.test("the file's token is the last choice, and is sent to its own server only", async (t) => {
  const { fake, cwd, file, write, ask } = await setUp(t);
  write({ id: ID, token: "own" });
  t.same(await ask(), { authorization: "Bearer own", instance: ID });
  chmodSync(file, 0o644);
  t.same(await ask(), { authorization: "Bearer own", instance: ID }, "a file that others may read is used");
  t.same(await ask({ KOOR_TOKEN: "given" }), { authorization: "Bearer given", instance: ID });
  t.same(await ask({ KOOR_INSTANCE: "other" }), { authorization: undefined, instance: "other" });
  write({ id: ID, token: "own", server: `${fake.url}/` });
  t.same(await ask(), { authorization: "Bearer own", instance: ID });
  write({ id: ID, token: "own", server: "http://127.0.0.1:1/" });
  t.same(await ask(), { authorization: undefined, instance: ID }, "another server does not get it");
  write({ id: ID, token: "own" });
  writeFileSync(join(cwd, "settings.json"), '{"token":"of-settings"}');
  t.same(await ask(), { authorization: "Bearer of-settings", instance: ID });
});

t.test("an invalid file stops the command", async (t) => {
  const { fake, write, ask } = await setUp(t);
  const faults: readonly [string, RegExp][] = [
    ["{nonsense", /instance\.json must hold a JSON object/],
    ["[]", /must hold a JSON object/],
    ["{}", /id must be visible ASCII/],
    ['{"id":"a\\nb"}', /id must be visible ASCII/],
    ['{"id":"a","token":""}', /token must be visible ASCII/],
  ];
  for (const [text, says] of faults) {
    write(text);
    t.match(await ask(), says, text);
  }
  t.same(fake.requests, [], "nothing was sent");
});

t.test("register writes the file on request", async (t) => {
  const { fake, cwd, env, file } = await setUp(t);
  fake.answer = () => replyJson({ id: ID, name: "ana", token: "own" });
  const register = async (...flags: string[]) => await runCli(["register", "ana", ...flags], { cwd, env });
  t.match(await register(), { code: 0, stderr: "" });
  t.notOk(existsSync(join(cwd, ".koor")), "not without the flag");
  t.match(await register("--save"), { code: 0, stderr: "", stdout: `{"id":"${ID}","name":"ana","token":"own"}\n` });
  t.same(JSON.parse(readFileSync(file, "utf8")), { id: ID, token: "own", server: `${fake.url}/` });
  t.equal(statSync(file).mode & 0o777, 0o600);
  t.match(readFileSync(join(cwd, ".koor", ".gitignore"), "utf8"), /^\/instance\.json\*$/m);
  t.same(readdirSync(join(cwd, ".koor")).toSorted(), [".gitignore", "instance.json"], "no other file is left");

  chmodSync(file, 0o644);
  writeFileSync(join(cwd, ".koor", ".gitignore"), "mine\n");
  fake.answer = () => replyJson({ id: "second", token: "new" });
  t.match(await register(), { code: 0, stderr: "" }, "--save is not needed where there is a .koor/");
  t.match(JSON.parse(readFileSync(file, "utf8")), { id: "second", token: "new" });
  t.equal(statSync(file).mode & 0o777, 0o600, "an existing file");
  t.equal(readFileSync(join(cwd, ".koor", ".gitignore"), "utf8"), "mine\n", "the existing content stays");

  fake.answer = () => ({ status: 400, body: '{"error":"no","code":400}' });
  t.match(await register(), { code: 1 });
  t.match(JSON.parse(readFileSync(file, "utf8")), { id: "second" }, "a refusal writes nothing");
  fake.answer = () => replyJson({ id: "third", token: "new" });
  const folder = join(cwd, "sub");
  writeFileSync(join(folder, ".koor"), "");
  const blocked = await runCli(["register", "ana", "--save"], { cwd: folder, env });
  t.match(
    blocked,
    { code: 0, stdout: /"token":"new"/, stderr: /cannot write .*instance\.json/ },
    "the token is printed",
  );
});

t.test("a nested working tree of git has an instance of its own", async (t) => {
  const { cwd, write, ask } = await setUp(t);
  write({ id: "above" });
  const below = join(cwd, "sub", "below");
  for (const git of ["a file, as in a worktree", "a directory"]) {
    rmSync(join(cwd, "sub", ".git"), { force: true, recursive: true });
    if (git === "a directory") mkdirSync(join(cwd, "sub", ".git"));
    else writeFileSync(join(cwd, "sub", ".git"), "gitdir: ../.git/worktrees/sub\n");
    t.same(await ask({}, below), { authorization: undefined, instance: undefined }, git);
    t.same(await ask({}, join(cwd, "sub")), { authorization: undefined, instance: undefined }, git);
  }
  mkdirSync(join(cwd, "sub", ".koor"));
  writeFileSync(join(cwd, "sub", ".koor", "instance.json"), '{"id":"its own"}'.replace(" ", "-"));
  t.same(await ask({}, below), { authorization: undefined, instance: "its-own" });
  mkdirSync(join(cwd, ".git"));
  t.same(await ask(), { authorization: undefined, instance: "above" }, "the root's own file is used");
});
