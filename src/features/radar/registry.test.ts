/**
 * Tests the writer's part of the radar with a simulated server. Random reports, with restarts in between, must cause
 * the same events and stored times as in a simple model. Also tests the limits, and the end of reports.
 */
import * as fc from "fast-check";
import t, { type Test } from "tap";
import { must } from "../../base/assert.js";
import { Failure } from "../../base/result.js";
import type { Overlap, OverlapAppeared, OverlapCleared, OverlapKind, OverlapNotice } from "../../../schemas/radar.js";
import {
  RADAR_BYTES_MAX,
  RADAR_BYTES_OF_WORKSPACE_MAX,
  RADAR_ENDED_TOGETHER,
  RADAR_EXPIRY_INTERVAL_MS,
  RADAR_FILES_MAX,
  RADAR_KEEP_MS,
  RADAR_RANGES_MAX,
  RADAR_REPORTS_OF_WORKSPACE_MAX,
} from "../../../schemas/limits/radar.js";
import type { StoredFiles } from "../../../schemas/radar.js";
import { quietLog } from "../../../test/support/quiet-log.js";
import { SimulatedServer } from "../../../test/support/simulated-server.js";
import { countRounds } from "../../../test/support/test-size.js";
import type { Writer } from "../../platform/threads/writer.js";
import type { PushMessage } from "../../platform/rpc/method.js";
import { registerInstance } from "../instances/commands.js";
import { InstanceReader } from "../instances/table.js";
import { endReports, reportChanges } from "./commands.js";
import { ReportExpiry } from "./expiry.js";
import { overlapTexts } from "./overlap-list.js";
import { overlapOf } from "./overlap.js";
import { OVERLAPS } from "./push-messages.js";
import { decodeReport } from "./report.js";
import { RadarReader } from "./table.js";

interface Heard {
  readonly topic: string;
  readonly data: OverlapAppeared | OverlapCleared;
}

interface House {
  readonly server: SimulatedServer;
  readonly heard: Heard[];
  readonly notices: OverlapNotice[];
  readonly report: (checkout: string, files: StoredFiles, workspace?: string) => null | Failure;
  readonly overlaps: (workspace?: string) => Overlap[];
}

function openHouse(t: Test): House {
  const heard: Heard[] = [];
  const notices: OverlapNotice[] = [];
  const server = new SimulatedServer({
    methods: [reportChanges, endReports, registerInstance],
    hear: ({ topic, data }) => heard.push({ topic, data: data as Heard["data"] }),
    notice: (message: PushMessage, payload) => {
      if (message === OVERLAPS) notices.push(...(payload as OverlapNotice[]));
    },
  });
  t.teardown(() => server.close());
  return {
    server,
    heard,
    notices,
    report: (checkout, files, workspace = "w") => {
      const request = { checkout, workspace, branch: null, base: null, files: JSON.stringify(files) };
      return server.reply(reportChanges, request, "");
    },
    overlaps: (workspace = "w") => {
      const reports = new RadarReader(server.db, null).reportsOf(workspace);
      const texts = [...overlapTexts({ reports, checkout: null, instances: {} })];
      return JSON.parse(`[${texts.join(",")}]`) as Overlap[];
    },
  };
}

const CHECKOUTS = ["c-1", "c-2", "c-3"] as const;
const PATHS = ["a", "b", "d"] as const;

/** One step of a run: a checkout of one of two workspaces reports its files, or its report ends. */
const change = fc.record({
  checkout: fc.constantFrom(...CHECKOUTS),
  workspace: fc.constantFrom("w", "w", "w", "v"),
  files: fc.uniqueArray(
    fc.record({
      path: fc.constantFrom(...PATHS),
      lines: fc.constantFrom<number[]>([1, 2], [2, 3], [6, 7], []),
      deleted: fc.constantFrom(false, false, true),
      blob: fc.constantFrom(null, null, "x", "y"),
    }),
    { selector: ({ path }) => path },
  ),
  ends: fc.constantFrom(false, false, false, true),
  restarts: fc.constantFrom(false, false, false, true),
});

/** The model: returns the kinds of all overlaps, by workspace, checkouts and path. It compares each pair of files. */
function overlapsOf(reports: ReadonlyMap<string, { readonly workspace: string; readonly files: StoredFiles }>) {
  const kinds = new Map<string, OverlapKind>();
  const decoded = [...reports].map(([checkout, { workspace, files }]) =>
    decodeReport({ checkout, workspace, branch: null, base: null }, JSON.stringify(files), null),
  );
  for (const a of decoded)
    for (const b of decoded)
      for (const own of a.files)
        for (const theirs of b.files) {
          if (a.workspace !== b.workspace || a.checkout >= b.checkout || own.path !== theirs.path) continue;
          const kind = overlapOf(own, theirs);
          if (kind !== null) kinds.set([a.workspace, a.checkout, b.checkout, own.path].join(" "), kind);
        }
  return kinds;
}

t.test("events and times are those of a simple model", (t) => {
  const attempt = fc.property(fc.array(change, { minLength: 1, maxLength: 12 }), (steps) => {
    const house = openHouse(t);
    const reports = new Map<string, { readonly workspace: string; readonly files: StoredFiles; readonly at: number }>();
    /** The overlaps that the events have reported, with their start times. */
    const published = new Map<string, OverlapKind>();
    const since = new Map<string, number>();
    const severity: readonly OverlapKind[] = ["file", "lines", "delete"];
    let before = overlapsOf(reports);
    for (const { checkout, workspace, files, ends, restarts } of steps) {
      house.server.nowMs += 1_000;
      if (restarts) house.server.restart();
      house.heard.length = 0;
      const known = reports.get(checkout);
      if (ends) {
        const reply = house.server.reply(endReports, { ends: [{ checkout, reported_at: known?.at ?? 0 }] }, "");
        t.same(reply, { checkouts: known === undefined ? [] : [checkout] });
        reports.delete(checkout);
      } else {
        t.equal(house.report(checkout, files, workspace), null);
        reports.set(checkout, { workspace, files, at: house.server.nowMs });
      }
      for (const { topic, data } of house.heard) {
        t.equal(data.count, data.paths.length);
        t.same(data.paths, data.paths.toSorted());
        for (const path of data.paths) {
          const key = [data.workspace, data.a.checkout, data.b.checkout, path].join(" ");
          const was = before.get(key);
          if (topic === "radar.clear") {
            t.ok(was !== undefined, "it was an overlap");
            published.delete(key);
            continue;
          }
          const { kind } = data as OverlapAppeared;
          t.ok(was === undefined || severity.indexOf(kind) > severity.indexOf(was), "it is new or worse");
          published.set(key, kind);
        }
      }
      before = overlapsOf(reports);
      // Compare only the keys and not the kinds, because no event reports that an overlap has become milder.
      t.same([...published.keys()].toSorted(), [...before.keys()].toSorted());
      for (const [key, kind] of before) {
        t.ok(severity.indexOf(published.get(key) ?? "file") >= severity.indexOf(kind), "a worse kind was published");
        published.set(key, kind);
      }
      for (const key of since.keys()) if (!before.has(key)) since.delete(key);
      for (const key of before.keys()) if (!since.has(key)) since.set(key, house.server.nowMs);
      const listed = ["v", "w"].flatMap((place) => house.overlaps(place).map((overlap) => [place, overlap] as const));
      t.same(
        listed.map(([place, { a, b, path, kind }]) => [[place, a.checkout, b.checkout, path].join(" "), kind]),
        [...before].toSorted(([one], [other]) => (one < other ? -1 : 1)),
      );
      for (const [place, { a, b, path, since: time }] of listed)
        t.ok(Date.parse(time) <= must(since.get([place, a.checkout, b.checkout, path].join(" ")), "it began"));
    }
    return t.passing();
  });
  fc.assert(attempt, { numRuns: countRounds(40, 300), endOnFailure: true });
  t.end();
});

t.test("the time of an overlap is when it began, whoever reports later", (t) => {
  const house = openHouse(t);
  const { server, report } = house;
  const since = (): string[] => house.overlaps().map((overlap) => overlap.since.slice(14, 19));
  const at = (minute: number): void => void (server.nowMs = minute * 60_000);
  at(1);
  report("c-1", [{ path: "a", lines: [1, 2] }, { path: "b" }]);
  at(2);
  report("c-2", [{ path: "a", lines: [1, 2] }]);
  t.same(since(), ["02:00"]);
  at(3);
  report("c-1", [{ path: "a", lines: [1, 3] }, { path: "b" }]);
  t.same(since(), ["02:00"], "a report that changes the ranges");
  at(4);
  report("c-2", [{ path: "a", lines: [7, 7] }, { path: "b" }]);
  t.same(since(), ["02:00", "04:00"], "a report of the other one, which adds a file");
  at(5);
  server.restart();
  report("c-2", [{ path: "a", lines: [1, 1] }]);
  t.same(since(), ["02:00"], "a restart");
  at(6);
  report("c-2", []);
  at(7);
  report("c-2", [{ path: "a", lines: [1, 1] }]);
  t.same(since(), ["07:00"], "it has ended in between");
  at(8);
  report("c-1", [{ path: "a", lines: [1, 1], blob: "x" }]);
  report("c-2", [{ path: "a", lines: [1, 1], blob: "x" }]);
  t.same(since(), [], "both have the same content");
  at(9);
  report("c-1", [{ path: "a", lines: [1, 1], blob: "y" }]);
  t.same(since(), ["09:00"]);
  t.end();
});

t.test("one push message tells of each pair, by its worst kind", (t) => {
  const { report, notices } = openHouse(t);
  report("c-2", [
    { path: "a", lines: [1, 2] },
    { path: "b", lines: [1, 2] },
  ]);
  t.same(notices, []);
  report("c-1", [
    { path: "a", lines: [7, 8] },
    { path: "b", lines: [1, 2] },
  ]);
  const [a, b] = ["c-1", "c-2"].map((checkout) => ({ checkout, branch: null }));
  t.same(notices.splice(0), [{ a, b, kind: "lines", path: "b", count: 2 }]);
  report("c-1", [
    { path: "a", lines: [7, 8] },
    { path: "b", lines: [1, 2] },
  ]);
  report("c-1", [{ path: "a", lines: [7, 8] }]);
  t.same(notices, [], "nothing is new or worse");
  t.end();
});

/** Returns files for a report that takes nearly the maximum memory. */
function largest(prefix: string): StoredFiles {
  const lines = Array.from({ length: 2 * RADAR_RANGES_MAX }, (_, at) => at + 1);
  return Array.from({ length: RADAR_FILES_MAX }, (_, at) => ({ path: `${prefix}${at}`.padEnd(1_000, "x"), lines }));
}

t.test("reports are bounded in number and in memory", (t) => {
  const { report, server } = openHouse(t);
  for (let at = 0; at < RADAR_REPORTS_OF_WORKSPACE_MAX; at++) t.equal(report(`n-${at}`, [], "many"), null);
  const full = report("one-more", [], "many");
  t.ok(full instanceof Failure && full.http === 429 && /256 checkouts of this workspace/.test(full.message));
  t.equal(report("n-0", [{ path: "a" }], "many"), null, "a report may be replaced");
  t.equal(report("n-0", [], "other"), null);
  t.equal(report("one-more", [], "many"), null, "there is room again");

  const { bytes } = decodeReport(
    { checkout: "", workspace: "", branch: null, base: null },
    JSON.stringify(largest("a")),
    null,
  );
  const fits = Math.floor(RADAR_BYTES_OF_WORKSPACE_MAX / bytes);
  for (let at = 0; at < fits; at++) t.equal(report(`l-${at}`, largest(`${at}-`), "large"), null);
  const tooLarge = report("l-more", largest("more-"), "large");
  t.ok(tooLarge instanceof Failure && tooLarge.http === 429 && /of this workspace take/.test(tooLarge.message));
  t.equal(report("l-0", largest("again-"), "large"), null, "the bytes of the previous report are free");
  let more = 0;
  let refusal = report(`m-${more}`, largest(`m-${more}`), "else");
  while (refusal === null && more < 100) refusal = report(`m-${++more}`, largest(`m-${more}`), "else");
  t.ok(refusal instanceof Failure && /take 67108864 bytes/.test(refusal.message));
  const stored = server.db.prepare<[], number>("SELECT sum(bytes) FROM radar_report").pluck().get() ?? 0;
  t.ok(stored <= RADAR_BYTES_MAX && stored > RADAR_BYTES_MAX - bytes);
  server.restart();
  t.ok(report("m-x", largest("x"), "else") instanceof Failure, "after a restart, too");
  t.end();
});

t.test("a report ends half an hour after the last sign of life", async (t) => {
  const { report, server, heard, overlaps } = openHouse(t);
  const writer = {
    attached: true,
    request: (...[method, request]: Parameters<Writer["request"]>) =>
      Promise.resolve(server.reply(method, request, "")),
  } as unknown as Writer;
  const register = (id: string, checkout: string): void => {
    const at = { id: checkout, branch: null, root: null, machine: null };
    const token = { registered_by: "", token_hash: Buffer.from(id.padEnd(32)).toString("hex") };
    const texts = { name: id, workspace: "w", intent: "", stack: "", capabilities: [], checkout: at, account: null };
    server.reply(registerInstance, { id, ...token, ...texts }, "");
    server.directory.applyStored(id, new InstanceReader(server.db).byId(id));
  };
  const { directory, clock } = server;
  const reader = new RadarReader(server.db, null);
  const expiry = new ReportExpiry({ reader, directory, writer, clock, log: quietLog() });
  const run = async (afterMs: number): Promise<string[]> => {
    server.nowMs += afterMs;
    expiry.tick(server.nowMs);
    // Let the current run end before the next one begins.
    for (let at = 0; at < 20; at++) await Promise.resolve();
    return reader.checkoutsOf("w");
  };
  register("ana", "c-1");
  report("c-1", [{ path: "a" }]);
  report("c-2", [{ path: "a" }]);
  t.same(await run(RADAR_KEEP_MS - 1), ["c-1", "c-2"]);
  report("c-2", [{ path: "a" }]);
  directory.touch(must(directory.get("ana"), "ana is registered"), server.nowMs);
  t.same(
    await run(RADAR_EXPIRY_INTERVAL_MS),
    ["c-1", "c-2"],
    "an instance of the one was seen, the other has reported",
  );
  heard.length = 0;
  t.same(await run(RADAR_KEEP_MS - RADAR_EXPIRY_INTERVAL_MS), []);
  t.same(
    heard.map(({ topic }) => topic),
    ["radar.clear"],
  );
  t.same(overlaps(), []);

  for (let at = 0; at < 3 * RADAR_ENDED_TOGETHER + 1; at++) report(`n-${at}`, []);
  t.same(await run(RADAR_KEEP_MS), [], "several calls end many");
  report("c-1", []);
  const stale = server.nowMs - 1;
  t.same(server.reply(endReports, { ends: [{ checkout: "c-1", reported_at: stale }] }, ""), { checkouts: [] });
  t.same(reader.checkoutsOf("w"), ["c-1"], "a report that was stored again stays");
  await expiry.close();
});
