/**
 * Tests the radar against a real server: reports of checkouts, the overlaps between them, their events, what is
 * refused, and what the sessions in both checkouts are told.
 */
import type { OutgoingHttpHeaders } from "node:http";
import t from "tap";
import { RADAR_FILES_MAX, RADAR_LINE_BYTES_MAX, RADAR_RANGES_MAX } from "../schemas/limits/radar.js";
import type { ChangesBody, Overlap } from "../schemas/radar.js";
import { sendHook } from "./support/hook-work.js";
import { send, sendJson, type Answer } from "./support/http-client.js";
import { makeDirectory, startKoor } from "./support/server-process.js";
import { openChanges } from "./support/subscriber.js";
import { singleServerOnly } from "./support/variant.js";

interface Event {
  readonly topic: string;
  readonly source: string;
  readonly data: { readonly paths: readonly string[]; readonly count: number; readonly kind?: string };
}
interface Overlaps {
  readonly checkout?: string;
  readonly overlaps: readonly Overlap[];
  readonly truncated?: true;
}

const BASE = "4b825dc642cb6eb9a060e54bf8d69288fbee4904";

type Files = ChangesBody["files"];

function report(
  port: number,
  checkout: string,
  files: Files,
  more: Partial<ChangesBody> = {},
  headers: OutgoingHttpHeaders = {},
): Promise<Answer> {
  const body = { workspace: "shop", branch: `b-${checkout}`, base: BASE, ...more, files };
  return sendJson(port, "PUT", `/api/checkouts/${checkout}/changes`, body, headers);
}

/** Reports changes, and returns the overlaps of the checkout. */
async function overlapsAfter(port: number, checkout: string, files: Files, more = {}): Promise<readonly Overlap[]> {
  const answer = await report(port, checkout, files, more);
  if (answer.status !== 200) throw new Error(answer.text);
  return answer.json<Overlaps>().overlaps;
}

async function radar(port: number, query = "workspace=shop"): Promise<readonly Overlap[]> {
  return (await send(port, "GET", `/api/radar?${query}`)).json<Overlaps>().overlaps;
}

async function eventsOf(port: number): Promise<readonly Event[]> {
  return (await send(port, "GET", "/api/events/history?topic=radar.*&after=0")).json();
}

const short = ({ path, a, b, kind }: Overlap): string => `${a.checkout} ${b.checkout} ${path} ${kind}`;

t.test("a report is given back as it was sent, and replaced by the next one", async (t) => {
  const { port } = await startKoor(t);
  const path = "/api/checkouts/c-1/changes";
  const missing = await send(port, "GET", path);
  t.same([missing.status, missing.json()], [404, { error: "checkout not found: c-1", code: 404 }]);

  const files: Files = [
    {
      path: "src/b.ts",
      ranges: [
        [41, 40],
        [3, 9],
      ],
      blob: "b".repeat(40),
    },
    { path: "src/a.ts", deleted: true, blob: null },
    { path: "logo.png" },
    { path: "new.ts", ranges: [[1, 0]], deleted: false },
    { path: "all.ts", ranges: [] },
  ];
  const before = Date.now();
  const answer = await report(port, "c-1", files);
  t.same([answer.status, answer.json()], [200, { checkout: "c-1", overlaps: [] }]);
  const { expires_at, ...stored } = (await send(port, "GET", path)).json<{ readonly expires_at: string }>();
  t.same(stored, { checkout: "c-1", workspace: "shop", branch: "b-c-1", base: BASE, files });
  const keptMs = Date.parse(expires_at) - before;
  t.ok(keptMs >= 30 * 60_000 && keptMs < 31 * 60_000, `kept for ${keptMs} ms`);

  await sendJson(port, "PUT", path, { workspace: "", files: [] });
  const { expires_at: _expires, ...next } = (await send(port, "GET", path)).json<{ readonly expires_at: string }>();
  t.same(next, { checkout: "c-1", workspace: "", branch: null, base: null, files: [] });
});

t.test("overlaps name both sides, and are sorted", async (t) => {
  const { port } = await startKoor(t);
  const register = async (name: string, checkout: string): Promise<{ readonly id: string; readonly name: string }> => {
    const body = { name, workspace: "shop", checkout: { id: checkout } };
    const { id } = (await sendJson(port, "POST", "/api/instances/register", body)).json<{ readonly id: string }>();
    return { id, name };
  };
  const [ana, ben, bob] = [await register("ana", "c-1"), await register("ben", "c-2"), await register("bob", "c-2")];
  await report(port, "c-1", [
    { path: "z.ts", ranges: [[1, 3]] },
    { path: "a.ts", ranges: [[1, 3]] },
    { path: "gone.ts", deleted: true },
    { path: "both.ts", deleted: true },
    { path: "same.ts", ranges: [[1, 1]], blob: "abc" },
  ]);
  await report(port, "c-3", [{ path: "a.ts", ranges: [[90, 91]] }], { base: "another" });
  const began = Date.now();
  const own = await overlapsAfter(port, "c-2", [
    { path: "a.ts", ranges: [[4, 5]] },
    { path: "both.ts", deleted: true },
    { path: "gone.ts", ranges: [[7, 7]] },
    { path: "same.ts", ranges: [[1, 1]], blob: "abc" },
    { path: "z.ts", ranges: [[9, 9]] },
  ]);
  t.same(own.map(short), ["c-2 c-1 a.ts lines", "c-2 c-1 gone.ts delete", "c-2 c-1 z.ts file", "c-2 c-3 a.ts file"]);
  const [first] = own;
  t.match(first, {
    path: "a.ts",
    a: { checkout: "c-2", branch: "b-c-2", instances: [ben, bob], ranges: [[4, 5]] },
    b: { checkout: "c-1", branch: "b-c-1", instances: [ana], ranges: [[1, 3]] },
    same_base: true,
  });
  t.ok(Date.parse(first?.since ?? "") >= began - 1_000);
  t.same(
    own.map(({ same_base }) => same_base),
    [true, true, true, false],
  );
  const all = await radar(port);
  t.same(all.map(short), [
    "c-1 c-2 a.ts lines",
    "c-1 c-2 gone.ts delete",
    "c-1 c-2 z.ts file",
    "c-1 c-3 a.ts file",
    "c-2 c-3 a.ts file",
  ]);
  t.same(await radar(port, "workspace=shop&checkout=c-2"), own);
  t.same(await radar(port, "workspace=shop&checkout=c-9"), []);
  t.same(await radar(port, "workspace=other"), []);
  t.same(await radar(port, ""), [], "a caller without a workspace asks for the one without a name");

  const asBen = await send(port, "GET", "/api/radar", { headers: { "X-Koor-Instance": ben.id } });
  t.same(asBen.json<Overlaps>().overlaps.length, 5, "the caller's own workspace is the default");
  const byHeader = await send(port, "GET", "/api/radar", { headers: { "X-Koor-Workspace": "shop" } });
  t.same(byHeader.json<Overlaps>().overlaps.length, 5);
});

t.test("events tell what appears, gets worse and ends", async (t) => {
  const { port } = await startKoor(t);
  const many = Array.from({ length: 25 }, (_, at) => `f${String(at).padStart(2, "0")}.ts`);
  await report(
    port,
    "c-2",
    [...many, "a.ts"].map((path) => ({ path, ranges: [[10, 20]] })),
  );
  t.same(await eventsOf(port), []);
  const files = (ranges: [number, number][]): Files => [
    ...many.map((path) => ({ path, ranges: [[50, 50]] })),
    { path: "a.ts", ranges },
  ];
  await report(port, "c-1", files([[15, 15]]));
  const sides = {
    workspace: "shop",
    a: { checkout: "c-1", branch: "b-c-1" },
    b: { checkout: "c-2", branch: "b-c-2" },
  };
  const expected: object[] = [
    { topic: "radar.overlap", source: "koor", data: { ...sides, kind: "file", paths: many.slice(0, 20), count: 25 } },
    { topic: "radar.overlap", source: "koor", data: { ...sides, kind: "lines", paths: ["a.ts"], count: 1 } },
  ];
  const seen = async (): Promise<readonly object[]> =>
    (await eventsOf(port)).map(({ topic, source, data }) => ({ topic, source, data }));
  t.same(await seen(), expected);
  const since = (await radar(port))[0]?.since;

  await report(port, "c-1", files([[15, 16]]));
  t.same(await seen(), expected, "the same overlaps are told once");
  await report(
    port,
    "c-2",
    [...many, "a.ts"].map((path) => ({ path, ranges: [[10, 21]] })),
    { branch: "next" },
  );
  t.same(await seen(), expected);
  t.equal((await radar(port))[0]?.since, since, "later reports do not change when it began");

  await report(port, "c-1", files([[90, 90]]));
  t.same(await seen(), expected, "a milder overlap is not told");
  const b = { checkout: "c-2", branch: "next" };
  await report(port, "c-1", [{ path: "a.ts", deleted: true }]);
  expected.push(
    { topic: "radar.overlap", source: "koor", data: { ...sides, b, kind: "delete", paths: ["a.ts"], count: 1 } },
    { topic: "radar.clear", source: "koor", data: { ...sides, b, paths: many.slice(0, 20), count: 25 } },
  );
  t.same(await seen(), expected);
  t.equal((await radar(port))[0]?.since, since, "nor does a worse one");

  await report(port, "c-1", [{ path: "a.ts", deleted: true }], { workspace: "other" });
  expected.push({ topic: "radar.clear", source: "koor", data: { ...sides, b, paths: ["a.ts"], count: 1 } });
  t.same(await seen(), expected, "a report of another workspace ends the overlaps");
  t.same(await radar(port), []);
});

t.test("what is wrong is named", async (t) => {
  const { port } = await startKoor(t);
  const file = (more: object): object => ({ files: [{ path: "ok.ts" }, { path: "a.ts", ...more }] });
  const range = "must be [first, last], where first is at least 1 and last is at least first - 1";
  const wrong: readonly (readonly [body: object, error: string | RegExp])[] = [
    [{ workspace: undefined, files: [] }, "workspace is required"],
    [{}, "files is required"],
    [{ files: {} }, "files must be an array"],
    [{ workspace: "a\nb", files: [] }, "workspace must not contain control characters"],
    [{ branch: "a\u200bb", files: [] }, /^branch must not contain characters that cannot be seen/],
    [{ base: 7, files: [] }, "base must be a string"],
    [{ files: [{ ranges: [] }] }, "files[0].path is required"],
    [file({ path: "/etc/passwd" }), "files[1].path must be relative to the workspace: write etc/passwd"],
    [file({ path: "../a" }), /^files\[1\]\.path must not have a segment/],
    [file({ path: "a//b" }), /^files\[1\]\.path must not have an empty segment/],
    [file({ path: "a\\b" }), /^files\[1\]\.path must not contain \\/],
    [file({ path: "a\u200bb" }), /^files\[1\]\.path must not contain characters that cannot be seen/],
    [file({ path: "" }), "files[1].path is required"],
    [file({ path: "ok.ts" }), "files[1].path is the same as files[0].path"],
    [file({ path: "x".repeat(1_025) }), "files[1].path is longer than 1024 characters"],
    [{ files: [{ path: "e\u0301.ts" }, { path: "\u00e9.ts" }] }, "files[1].path is the same as files[0].path"],
    [file({ ranges: [[5, 3]] }), `files[1].ranges[0] ${range}`],
    [
      file({
        ranges: [
          [1, 2],
          [0, 0],
        ],
      }),
      `files[1].ranges[1] ${range}`,
    ],
    [file({ ranges: [[-1, 5]] }), /^files\[1\]\.ranges\[0\]/],
    [file({ ranges: [[1]] }), /^files\[1\]\.ranges\[0\]/],
    [file({ ranges: [[1, 2, 3]] }), "files[1].ranges[0] must have at most 2 items"],
    [file({ ranges: [[1, 2 ** 53]] }), /^files\[1\]\.ranges\[0\]\[1\] must be/],
    [file({ ranges: [[1, 2 ** 31]] }), /^files\[1\]\.ranges\[0\]\[1\] must be/],
    [file({ ranges: [[1.5, 2]] }), /^files\[1\]\.ranges\[0\]\[0\] must be an integer/],
    [file({ ranges: [["1", 2]] }), /^files\[1\]\.ranges\[0\]\[0\] must be an integer/],
    [file({ ranges: [[Number.NaN, 2]] }), /^files\[1\]\.ranges\[0\]\[0\] must be an integer/],
    [file({ ranges: "all" }), "files[1].ranges must be an array"],
    [
      file({ ranges: Array.from({ length: RADAR_RANGES_MAX + 1 }, (_, at) => [3 * at + 1, 3 * at + 1]) }),
      "files[1].ranges must have at most 64 items",
    ],
    [
      { files: Array.from({ length: RADAR_FILES_MAX + 1 }, (_, at) => ({ path: `${at}` })) },
      "files must have at most 2000 items",
    ],
    [file({ deleted: "yes" }), "files[1].deleted must be true or false"],
    [file({ blob: "" }), "files[1].blob is required"],
    [file({ blob: "a b\n" }), "files[1].blob must not contain control characters"],
    [file({ blob: "b".repeat(65) }), "files[1].blob is longer than 64 characters"],
  ];
  for (const [body, error] of wrong) {
    const answer = await sendJson(port, "PUT", "/api/checkouts/c-1/changes", { workspace: "shop", ...body });
    t.equal(answer.status, 400, answer.text.slice(0, 200));
    const says = answer.json<{ readonly error: string }>().error;
    if (typeof error === "string") t.equal(says, error);
    else t.match(says, error);
  }
  for (const id of ["C-1", "a_b", "x".repeat(65)]) {
    t.equal((await report(port, id, [])).status, 400, id);
    t.equal((await send(port, "GET", `/api/radar?checkout=${id}`)).status, 400, id);
  }
  t.equal((await send(port, "GET", "/api/checkouts/c-1/changes")).status, 404, "nothing was stored");
});

t.test("the largest report is taken", async (t) => {
  const { port } = await startKoor(t);
  const files = Array.from({ length: RADAR_FILES_MAX }, (_, at) => ({
    path: `src/${at}.ts`,
    ranges: Array.from({ length: RADAR_RANGES_MAX }, (_range, nth) => [nth * 10 + 1, nth * 10 + 4]),
    blob: String(at).padStart(40, "0"),
  }));
  t.equal((await report(port, "c-1", files)).status, 200);
  const moved = files.map(({ path, ranges }) => ({
    path,
    ranges: ranges.map(([from = 0, to = 0]) => [from + 4, to + 4]),
  }));
  t.equal((await overlapsAfter(port, "c-2", moved)).length, RADAR_FILES_MAX, "no line but neighbours");
  t.same(
    (await eventsOf(port)).map(({ data }) => [data.kind, data.count]),
    [["lines", RADAR_FILES_MAX]],
  );
  const stored = (await send(port, "GET", "/api/checkouts/c-1/changes")).json<{ readonly files: Files }>();
  t.same(stored.files.length, RADAR_FILES_MAX);
  t.same(stored.files[7], files[7]);

  await report(port, "c-3", moved);
  await report(port, "c-4", moved);
  const answer = (await report(port, "c-5", files)).json<Overlaps>();
  t.equal(answer.truncated, true, "the overlaps with three checkouts are longer than an answer to a report");
  t.ok(answer.overlaps.length > RADAR_FILES_MAX, "those with one of them fit");
  const listed = await radar(port, "workspace=shop&checkout=c-5");
  t.equal(listed.length, 3 * RADAR_FILES_MAX, "a list has all: c-1 has the same changes");
  t.same(listed.slice(0, answer.overlaps.length), answer.overlaps);
});

t.test("an instance's token reports for its own checkout", async (t) => {
  const token = "the-server's-own-token";
  const { port } = await startKoor(t, { args: ["--auth-token", token] });
  const right = { Authorization: `Bearer ${token}` };
  const register = async (name: string, checkout: object | null): Promise<OutgoingHttpHeaders> => {
    const answer = await sendJson(port, "POST", "/api/instances/register", { name, checkout }, right);
    return { Authorization: `Bearer ${answer.json<{ readonly token: string }>().token}` };
  };
  const ana = await register("ana", { id: "c-1" });
  const ben = await register("ben", { id: "c-2" });
  const cy = await register("cy", null);
  const statusOf = async (checkout: string, headers: OutgoingHttpHeaders): Promise<number> =>
    (await report(port, checkout, [], {}, headers)).status;
  t.equal(await statusOf("c-1", {}), 401);
  t.equal(await statusOf("c-1", right), 200);
  t.equal(await statusOf("c-1", ana), 200);
  t.equal(await statusOf("c-2", ben), 200);
  t.equal(await statusOf("c-3", cy), 200, "no instance works there");
  for (const other of [ben, cy]) {
    const refused = await report(port, "c-1", [], {}, other);
    t.same(
      [refused.status, refused.json<{ readonly error: string }>().error],
      [403, "this needs the server token, or the token of an instance that works in this checkout"],
    );
  }
  t.equal((await send(port, "GET", "/api/checkouts/c-1/changes", { headers: ben })).status, 200, "all may read");
  t.equal((await send(port, "GET", "/api/radar", { headers: cy })).status, 200);
});

t.test("sessions in both checkouts are told once, and again when it gets worse", async (t) => {
  const { port } = await startKoor(t);
  const agent = (session: string, checkout: string, branch: string): Parameters<typeof sendHook>[1] => ({
    client: "claude",
    session,
    checkout,
    branch,
    root: `/work/${checkout}`,
  });
  const [ana, ben] = [agent("s-1", "c-1", "main"), agent("s-2", "c-2", "fix")];
  for (const each of [ana, ben]) await sendHook(port, each, "SessionStart", { source: "startup" });
  const contextOf = async (of: typeof ana): Promise<string> => {
    const answer = await sendHook(port, of, "UserPromptSubmit", { prompt: "go on" });
    const { hookSpecificOutput } = answer.json<{
      readonly hookSpecificOutput?: { readonly additionalContext: string };
    }>();
    return hookSpecificOutput?.additionalContext ?? "";
  };
  await report(
    port,
    "c-1",
    [
      { path: "src/a.ts", ranges: [[1, 9]] },
      { path: "src/b.ts", ranges: [[1, 9]] },
    ],
    {
      branch: "main",
    },
  );
  t.equal(await contextOf(ana), "");
  await report(
    port,
    "c-2",
    [
      { path: "src/a.ts", ranges: [[20, 29]] },
      { path: "src/b.ts", ranges: [[20, 29]] },
    ],
    {
      branch: "fix",
    },
  );
  t.match(await contextOf(ana), /^claude-\w+ on fix also changes src\/a\.ts \(and 1 more\): koor radar$/);
  t.match(await contextOf(ben), /^claude-\w+ on main also changes src\/a\.ts \(and 1 more\): koor radar$/);
  t.same([await contextOf(ana), await contextOf(ben)], ["", ""], "it is told once");
  await report(port, "c-2", [{ path: "src/a.ts", ranges: [[9, 29]] }], { branch: "fix" });
  const line = await contextOf(ana);
  t.match(line, /^claude-\w+ on fix changes the same lines of src\/a\.ts: koor radar$/);
  t.ok(Buffer.byteLength(line) <= RADAR_LINE_BYTES_MAX);
});

t.test("a client that watches the radar hears of each report", async (t) => {
  const { port } = await startKoor(t);
  const reader = await openChanges(t, port, "radar");
  await report(port, "c-1", [{ path: "a.ts" }]);
  await reader.until((message) => message.kind === "radar" && message.key === "c-1" && message.version === null);
  t.pass("it has heard");
});

t.test("reports and the times of overlaps survive a restart", { skip: singleServerOnly("it restarts") }, async (t) => {
  const dataDir = makeDirectory(t);
  const first = await startKoor(t, { data_dir: dataDir });
  await report(first.port, "c-1", [{ path: "a.ts", ranges: [[1, 1]] }]);
  await report(first.port, "c-2", [{ path: "a.ts", ranges: [[1, 1]] }]);
  const before = await radar(first.port);
  await first.stop();
  const { port } = await startKoor(t, { data_dir: dataDir });
  t.same(await radar(port), before);
  await report(port, "c-2", [{ path: "a.ts", ranges: [[1, 2]] }]);
  t.equal((await radar(port))[0]?.since, before[0]?.since);
  t.equal((await eventsOf(port)).length, 1, "it was told before the restart");
  await report(port, "c-2", []);
  t.same(
    (await eventsOf(port)).map(({ topic }) => topic),
    ["radar.overlap", "radar.clear"],
  );
});
