/**
 * Checks the common promises of the versioned spaces (state, specs) against a real server: conditional reads, the three
 * forms of compare-and-swap, and concurrent writers. api-state.test.ts and api-specs.test.ts test what is special to a
 * space. Runs in the test's process.
 */
import type { OutgoingHttpHeaders } from "node:http";
import type { Test } from "tap";
import { hashOf, refusalOf } from "./answers.js";
import { send, type Answer, type Refusal, type RequestOptions } from "./http-client.js";

/** A space under test: its server, and the paths of its keys. */
export interface VersionedSpace {
  readonly port: number;
  readonly at: (key: string, query?: string) => string;
}
interface Conflict extends Refusal {
  readonly current_version: number;
  readonly current_etag: string | null;
}

function etagOf(value: string): string {
  return `"${hashOf(value)}"`;
}

class Calls {
  readonly at: VersionedSpace["at"];
  readonly #port: number;

  constructor({ port, at }: VersionedSpace) {
    this.at = at;
    this.#port = port;
  }

  call(method: string, path: string, options: RequestOptions = {}): Promise<Answer> {
    return send(this.#port, method, path, options);
  }

  get(path: string, headers: OutgoingHttpHeaders = {}): Promise<Answer> {
    return this.call("GET", path, { headers });
  }

  put(path: string, body: string, headers: OutgoingHttpHeaders = {}): Promise<Answer> {
    return this.call("PUT", path, { body, headers });
  }

  async versionsOf(key: string): Promise<number[]> {
    const history = (await this.get(this.at(key, "?history=1&limit=10000"))).json<{
      readonly versions: readonly { readonly version: number }[];
    }>();
    return history.versions.map(({ version }) => version);
  }
}

/** Checks If-None-Match on GET and HEAD, for a value and for one of its versions. */
export async function checkConditionalReads(t: Test, space: VersionedSpace): Promise<void> {
  const calls = new Calls(space);
  await calls.put(calls.at("cached"), '{"a":1}');
  const etag = etagOf('{"a":1}');
  const matching = [etag, `W/${etag}`, "*", ` ${etag}`, `"x", ${etag}`, `"x",W/"y" ,  ${etag},`, `${etag}, "x"`];
  const other = [
    '"x"',
    etag.slice(1, -1),
    `${etag}x`,
    `x${etag}`,
    `'${etag.slice(1, -1)}'`,
    '"x" "y"',
    `"x" ${etag}`,
    etag.toUpperCase(),
    `w/${etag}`,
    ",",
  ];
  for (const query of ["", "?version=1"]) {
    for (const header of matching) {
      for (const method of ["GET", "HEAD"]) {
        const answer = await calls.call(method, calls.at("cached", query), { headers: { "If-None-Match": header } });
        t.equal(answer.status, 304, `${method} ${query} If-None-Match: ${header}`);
        t.equal(answer.headers.etag, etag, "a 304 repeats the ETag");
        t.equal(answer.body.length, 0, "a 304 has no body");
        t.equal(answer.headers["content-length"], "7", "a 304 has the length that a 200 would have");
      }
    }
    for (const header of other) {
      const answer = await calls.get(calls.at("cached", query), { "If-None-Match": header });
      t.equal(answer.status, 200, `${query} If-None-Match: ${header}`);
      t.equal(answer.text, '{"a":1}');
    }
  }
  t.equal((await calls.get(calls.at("cached-not"), { "If-None-Match": "*" })).status, 404, "an absent key is a 404");
  await calls.put(calls.at("cached"), "2");
  t.equal((await calls.get(calls.at("cached"), { "If-None-Match": etag })).text, "2", "a new value has a new tag");
  t.equal((await calls.get(calls.at("cached", "?version=1"), { "If-None-Match": etag })).status, 304);
}

/** Malformed conditions of a write. The server must refuse them and must not ignore them. */
const MALFORMED_TERMS: readonly (readonly [header: string, value: string | readonly string[]])[] = [
  ...["", "abc", "*,", ",", '*, "x"', '"x', '"x" "y"', `'x'`, 'w/"x"', "W/*"].flatMap(
    (value) =>
      [
        ["If-Match", value],
        ["If-None-Match", value],
      ] as const,
  ),
  ["If-Match", ["*", '"x"']],
  ["If-None-Match", ['"x"', "*"]],
  ...["", "0", "-1", "1.5", "x", "1, 2"].map((value) => ["X-Koor-Fence", value] as const),
  ["X-Koor-Fence", ["1", "1"]],
  ["X-Koor-Instance", ""],
  ["X-Koor-Instance", ["a", "b"]],
  ["X-Koor-After", ""],
  ["Content-Range", "bytes 0-0/1"],
  ["If-Unmodified-Since", "Wed, 25 Nov 2026 12:00:00 GMT"],
];

/**
 * Checks every condition on every kind of write, held and failed. A failed one reports the current version and writes
 * nothing.
 */
export async function checkCompareAndSwap(t: Test, space: VersionedSpace): Promise<void> {
  const calls = new Calls(space);
  const send412 = async (
    answer: Promise<Answer>,
    version: number,
    etag: string | null,
    what: string,
  ): Promise<void> => {
    const { status, headers, ...rest } = await answer;
    t.equal(status, 412, what);
    t.equal(headers["content-type"], "application/json");
    const conflict = rest.json<Conflict>();
    t.same(Object.keys(conflict), ["error", "code", "current_version", "current_etag"], what);
    t.match(conflict, { code: 412, current_version: version }, what);
    t.equal(conflict.current_etag, etag, what);
  };
  type Write = (key: string, query: string, headers: OutgoingHttpHeaders) => Promise<Answer>;
  const writes: Readonly<Record<string, Write>> = {
    PUT: (key, query, headers) => calls.put(calls.at(key, query), "new", headers),
    rollback: (key, query, headers) =>
      calls.call("POST", calls.at(key, `?rollback=1${query.replace("?", "&")}`), { headers }),
    DELETE: (key, query, headers) => calls.call("DELETE", calls.at(key, query), { headers }),
  };
  const current = etagOf("b");
  const rows: readonly (readonly [what: string, query: string, headers: OutgoingHttpHeaders, holds: boolean])[] = [
    ["the current tag", "", { "If-Match": current }, true],
    ["a list that holds it", "", { "If-Match": `"x", ${current}` }, true],
    ["any value", "", { "If-Match": "*" }, true],
    ["the current version", "?if_version=2", {}, true],
    ["both", "?if_version=2", { "If-Match": current }, true],
    ["none of these", "", { "If-None-Match": '"x", "y"' }, true],
    ["an old tag", "", { "If-Match": etagOf("a") }, false],
    ["a weak tag", "", { "If-Match": `W/${current}` }, false],
    ["must not exist", "", { "If-None-Match": "*" }, false],
    ["not this one", "", { "If-None-Match": current }, false],
    ["not this one, weakly", "", { "If-None-Match": `W/${current}` }, false],
    ["an old version", "?if_version=1", {}, false],
    ["a version to come", "?if_version=3", {}, false],
    ["no version", "?if_version=0", {}, false],
    ["one of two", "?if_version=1", { "If-Match": current }, false],
    ["the other of two", "?if_version=2", { "If-Match": '"x"' }, false],
  ];
  for (const [name, write] of Object.entries(writes)) {
    for (const [index, [what, query, headers, holds]] of rows.entries()) {
      const key = `cas/${name}/${index}`;
      await calls.put(calls.at(key), "a");
      await calls.put(calls.at(key), "b");
      const answer = write(key, query, headers);
      if (holds) {
        t.equal((await answer).status, 200, `${name}, ${what}`);
      } else {
        await send412(answer, 2, current, `${name}, ${what}`);
        t.equal((await calls.get(calls.at(key))).text, "b", "the value is as it was");
        t.same(await calls.versionsOf(key), [2, 1], "nothing was written");
      }
    }
    const kept = `cas/${name}/kept`;
    await calls.put(calls.at(kept), "b");
    for (const [header, value] of MALFORMED_TERMS) {
      const refused = refusalOf(await write(kept, "", { [header]: typeof value === "string" ? value : [...value] }));
      t.match(
        refused,
        { status: 400, error: { error: new RegExp(header, "i") } },
        `${name}, ${header}: ${String(value)}`,
      );
    }
    for (const query of ["if-version=1", "IF_VERSION=1", "version=1", "if_version=1&if_version=2"]) {
      const [parameter = ""] = query.split("=", 1);
      const refused = refusalOf(await write(kept, `?${query}`, {}));
      t.match(refused, { status: 400, error: { error: new RegExp(parameter) } }, `${name} ?${query}`);
    }
    t.same(await calls.versionsOf(kept), [1], `${name}: nothing was written`);
    const gone = `cas/${name}/gone`;
    await calls.put(calls.at(gone), "a");
    await calls.call("DELETE", calls.at(gone));
    for (const [what, query, headers] of [
      ["a tag", "", { "If-Match": etagOf("a") }],
      ["any", "", { "If-Match": "*" }],
      ["a version", "?if_version=1", {}],
    ] as const) {
      await send412(write(gone, query, headers), 0, null, `${name} of a deleted key, ${what}`);
      await send412(write(`${gone}-never`, query, headers), 0, null, `${name} of a key that never was, ${what}`);
    }
    for (const value of ["x", "-1", "1.5", ""]) {
      t.match(
        refusalOf(await write(gone, `?if_version=${value}`, {})),
        { status: 400, error: { error: "if_version must be a non-negative integer" } },
        `${name} if_version=${value}`,
      );
    }
  }
  t.match(
    await calls.put(calls.at("cas/new"), "1", { "If-None-Match": "*" }),
    { status: 200 },
    "the condition is that the key does not exist",
  );
  t.match(await calls.put(calls.at("cas/new0", "?if_version=0"), "1"), { status: 200 });
  await calls.call("DELETE", calls.at("cas/new"));
  t.match(
    (await calls.put(calls.at("cas/new"), "1", { "If-None-Match": "*" })).json(),
    { version: 2 },
    "a deleted key does not exist",
  );
  await calls.call("DELETE", calls.at("cas/new"));
  t.match(await calls.call("POST", calls.at("cas/new", "?rollback=1&if_version=0")), { status: 200 });
}

/** Checks that exactly one of twenty concurrent writers with the same condition succeeds. */
export async function checkRace(t: Test, space: VersionedSpace): Promise<void> {
  const calls = new Calls(space);
  await calls.put(calls.at("cas/race"), "0");
  const { etag = "" } = (await calls.get(calls.at("cas/race"))).headers;
  const answers = await Promise.all(
    Array.from({ length: 20 }, (_, index) => calls.put(calls.at("cas/race"), `v${index}`, { "If-Match": etag })),
  );
  t.equal(answers.filter(({ status }) => status === 200).length, 1);
  t.equal(answers.filter(({ status }) => status === 412).length, 19);
  const created = await Promise.all(
    Array.from({ length: 20 }, () => calls.put(calls.at("cas/create"), "x", { "If-None-Match": "*" })),
  );
  t.equal(created.filter(({ status }) => status === 200).length, 1);
  t.same(await calls.versionsOf("cas/create"), [1]);
}

/** Checks paths with invalid keys, and how PUT, DELETE and rollback refuse them. */
export async function checkRefusedPaths(
  t: Test,
  space: VersionedSpace,
  rows: readonly (readonly [path: string, error: string | RegExp])[],
): Promise<void> {
  const calls = new Calls(space);
  for (const [path, error] of rows) {
    const what = path.slice(0, 40);
    t.match(refusalOf(await calls.put(path, "1")), { status: 400, error: { error, code: 400 } }, `PUT ${what}`);
    t.equal((await calls.call("DELETE", path)).status, 400, `DELETE ${what}`);
    t.equal((await calls.call("POST", `${path}?rollback=1`)).status, 400, `rollback ${what}`);
  }
}
