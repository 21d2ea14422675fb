/**
 * Tests the file with the state of one cluster: its place, its maximum size, and that its errors never make a command
 * fail.
 */
import { readdirSync, readFileSync, statSync, utimesSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import t, { type Test } from "tap";

import { CLI_POSITION_FILES_MAX } from "../schemas/limits/cli.js";
import { openPositionFile, stateFolder } from "./position-file.js";

const SERVERS = [new URL("http://a"), new URL("http://b")];

function setUp(t: Test): { readonly state: string; readonly folder: string } {
  const state = join(t.testdir({}), "koor");
  return { state, folder: join(state, "clusters") };
}

t.test("the folder is the system's for program state", (t) => {
  for (const [environment, platform, folder] of [
    [{ HOME: "/h" }, "linux", "/h/.local/state/koor"],
    [{ HOME: "/h", XDG_STATE_HOME: "/s" }, "linux", "/s/koor"],
    [{ HOME: "/h", XDG_STATE_HOME: "s" }, "darwin", "/h/.local/state/koor"],
    [{ XDG_STATE_HOME: "" }, "linux", undefined],
    [{ HOME: "/h", LOCALAPPDATA: "/l" }, "win32", "/l/koor"],
    [{ HOME: "/h" }, "win32", undefined],
  ] as const)
    t.equal(stateFolder(environment, platform), folder, JSON.stringify(environment));
  t.end();
});

t.test("the written state is read by every process with the same servers", async (t) => {
  const { state, folder } = setUp(t);
  const file = await openPositionFile(state, SERVERS);
  t.equal(file.read(), undefined);
  const saved = { position: 7, begin: { server: "http://b/", until_ms: 5 }, doubted: ["http://a/"] };
  file.write(saved);
  t.same(file.read(), saved);
  t.same((await openPositionFile(state, SERVERS.toReversed())).read(), saved);
  t.equal((await openPositionFile(state, [...SERVERS, new URL("http://c")])).read(), undefined);
  const [name = ""] = readdirSync(folder);
  t.equal(statSync(join(folder, name)).mode & 0o777, 0o600);
  t.equal(statSync(folder).mode & 0o777, 0o700);
  for (const odd of ["", "{", "null", "[]", '{"position":-1}', '{"position":"7"}', '{"position":1e300}']) {
    writeFileSync(join(folder, name), odd);
    t.equal(file.read(), undefined, odd);
  }
  writeFileSync(join(folder, name), '{"position":3,"begin":{"server":1},"doubted":[1]}');
  t.same(file.read(), { position: 3 });
});

t.test("clusters that were used longest ago are deleted", async (t) => {
  const { state, folder } = setUp(t);
  for (let at = 0; at < CLI_POSITION_FILES_MAX + 3; at += 1) {
    const before = new Set(at === 0 ? [] : readdirSync(folder));
    (await openPositionFile(state, [new URL(`http://h${at}`)])).write({ position: at });
    const made = readdirSync(folder).find((name) => !before.has(name)) ?? "";
    utimesSync(join(folder, made), at + 1, at + 1);
  }
  const saved = readdirSync(folder).map((name) => JSON.parse(readFileSync(join(folder, name), "utf8")) as object);
  t.equal(saved.length, CLI_POSITION_FILES_MAX);
  t.notOk(saved.some((one) => "position" in one && Number(one.position) < 3));
});

t.test("a file that cannot be written is not read either", async (t) => {
  const { state } = setUp(t);
  writeFileSync(state, "a file in its place");
  for (const place of [state, "/proc/nowhere"]) {
    const file = await openPositionFile(place, SERVERS);
    file.write({ position: 1 });
    file.write({ position: 2 });
    t.equal(file.read(), undefined, place);
  }
});
