/**
 * Tests tables and records. They fit the width of the terminal, handle wide characters, never shorten ids, and contain
 * no invisible characters. Also tests the progress line.
 */
import * as fc from "fast-check";
import t from "tap";

import { formatForPerson } from "./answer.js";
import { formatCell } from "./cell.js";
import { formatBytes, formatProgress, Progress } from "./progress.js";
import { formatLength, formatRelativeTime, isTimestamp } from "./relative-time.js";
import { formatTable } from "./table.js";
import { padText, textWidth, truncateText, wrapText } from "./text-width.js";

const NOW_MS = Date.parse("2026-11-21T15:00:00.000Z");
/** Matches the terminal codes of colors. */
const COLORS = new RegExp(["\u001b", "\\[\\d+m"].join(""), "g");
const plain = (width: number) => ({ width, hasColors: false, nowMs: NOW_MS });

t.test("the width of a text is that of its characters on a terminal", (t) => {
  const rows: readonly (readonly [string, number])[] = [
    ["abc", 3],
    ["日本", 4],
    ["\u{1F469}\u200d\u{1F4BB}", 2],
    ["e\u0301", 1],
    ["", 0],
  ];
  for (const [text, width] of rows) t.equal(textWidth(text), width, text);
  t.equal(truncateText("日本語です", 6), "日本\u2026");
  t.equal(truncateText("\u{1F469}\u200d\u{1F4BB}\u{1F469}\u200d\u{1F4BB}", 3), "\u{1F469}\u200d\u{1F4BB}\u2026");
  t.equal(padText("日", 4, false), "日  ");
  t.equal(padText("7", 3, true), "  7");
  t.same(wrapText("one two three", 8), ["one two", "three"]);
  t.same(wrapText("abcdefghij", 4), ["abcd", "efgh", "ij"]);
  t.same(wrapText("one two three four", 5, 2), ["one", "two \u2026"]);
  t.same(wrapText("日本", 1), ["\u2026"], "a character that is too wide does not loop");
  t.same(wrapText("", 5), [""]);
  t.end();
});

t.test("a table is never wider than the terminal", (t) => {
  const text = fc.string({ unit: "grapheme", maxLength: 60 });
  const columns = [
    { field: "id", keep: true },
    { field: "title", wrap: true, min: 10 },
    { field: "note" },
    { field: "at" },
  ] as const;
  const row = fc.record({ id: fc.stringMatching(/^[0-9a-f]{0,40}$/), title: text, note: text, at: text });
  const property = fc.property(
    fc.array(row, { minLength: 1, maxLength: 5 }),
    fc.integer({ min: 20, max: 120 }),
    (records, width) => {
      const rows = records.map((record) =>
        columns.map(({ field }) => formatCell(JSON.stringify(record[field]), field, { nowMs: NOW_MS })),
      );
      const shown = formatTable({ columns, rows }, { width, hasColors: false, mayOmit: true });
      return shown.split("\n").every((line) => textWidth(line) <= width);
    },
  );
  t.doesNotThrow(() => fc.assert(property));
  t.end();
});

t.test("later columns shrink first, then they are left out; ids stay whole", (t) => {
  const id = "fce695c0-5b87-490d-8fb5-572c39a9f810";
  const instance = { id, name: "ana", status: "active", last_seen: "2026-11-21T14:57:00.000Z", workspace: "trucks" };
  const text = JSON.stringify([{ ...instance, intent: "the orders API and its tests", stack: "" }]);
  const options = { list: "instances", fields: undefined } as const;
  const wide = formatForPerson(text, options, plain(120)) ?? "";
  t.equal(
    wide,
    "ID                                    NAME  STATUS  LAST SEEN  WORKSPACE  INTENT\n" +
      `${id}  ana   active  3m ago     trucks     the orders API and its tests\n`,
    "a column that is empty in all rows is left out",
  );
  const middle = (formatForPerson(text, options, plain(98)) ?? "").split("\n");
  t.match(middle[1], /the orders API and its$/, "a text takes several lines");
  t.match(middle[2], /^ {70,}tests$/);
  const narrow = formatForPerson(text, options, plain(60)) ?? "";
  t.match(narrow, id);
  t.match(narrow, /^ID +NAME +STATUS\n/, "the last columns are left out");
  t.match(
    formatForPerson(text, { ...options, fields: ["id", "intent"] }, plain(40)),
    /^ID +INTENT\n/,
    "not the named ones",
  );
  t.end();
});

t.test("leases of one of many names and with several holders have columns, where there are some", (t) => {
  const lease = { id: "lease-1", state: "held", holder: { name: "ana" }, expires_at: "2026-11-21T15:10:00.000Z" };
  const plainLease = { ...lease, resources: ["path:a"], mode: "exclusive", reason: "tax", scope: "repo" };
  const counted = { ...lease, id: "lease-2", resources: ["browser"], mode: "shared", max_holders: 2 };
  const waiting = { ...lease, id: "lease-3", state: "waiting", resources: [], mode: "exclusive", any: ["port:1..9"] };
  const show = (...leases: object[]) =>
    formatForPerson(JSON.stringify({ leases }), { list: "leases", fields: undefined }, plain(80));
  t.equal(
    show(waiting, counted),
    "ID       STATE    HOLDER  RESOURCES  ANY        LIMIT  EXPIRES AT  MODE\n" +
      "lease-3  waiting  ana                port:1..9         in 10m      exclusive\n" +
      "lease-2  held     ana     browser                   2  in 10m      shared\n",
  );
  t.equal(
    show(plainLease),
    "ID       STATE  HOLDER  RESOURCES  EXPIRES AT  MODE       REASON  SCOPE\n" +
      "lease-1  held   ana     path:a     in 10m      exclusive  tax     repo\n",
  );
  t.match(
    formatForPerson(JSON.stringify(waiting), { list: undefined, fields: undefined }, plain(80)),
    /^mode +exclusive\nany +port:1\.\.9$/m,
    "one lease has a line for each",
  );
  t.end();
});

t.test("agents whose names begin alike are told apart at 80 columns", (t) => {
  const names = ["claude-checkout", "claude-checkin", "claude-search"];
  const at = "2026-11-21T14:57:00.000Z";
  const ids = names.map((_, index) => `fce695c0-5b87-490d-8fb5-572c39a9f81${index}`);
  const holder = (index: number) => ({ id: ids[index], name: names[index] });
  const agents = names.map((name, index) => ({
    id: ids[index],
    name,
    status: "active",
    last_seen: at,
    workspace: "shop",
  }));
  const leases = names.map((_, index) => ({
    id: `lease-${index}`,
    state: "held",
    holder: holder(index),
    workspace: "shop",
    resources: ["path:web/product/covers/**"],
    mode: "exclusive",
    expires_at: "2026-11-21T15:10:00.000Z",
    reason: "only the books that changed",
  }));
  const tasks = names.map((_, index) => ({
    id: `task-${index}`,
    state: "input_required",
    title: "reindex only the books that changed",
    holder: holder(index),
    updated_at: at,
  }));
  const messages = names.map((_, index) => ({
    id: `message-${index}`,
    from: holder(index),
    to: [holder(0), holder(1)],
    subject: "staging is blue now",
    sent_at: at,
    intent: "inform",
    importance: "normal",
  }));
  for (const [list, answer] of [
    ["instances", agents],
    ["leases", { leases }],
    ["tasks", { tasks }],
    ["messages", { messages }],
    [undefined, { waiting: 0, leases }],
  ] as const) {
    const shown = formatForPerson(JSON.stringify(answer), { list, fields: undefined }, plain(80)) ?? "";
    for (const name of names) t.match(shown, name, `${list ?? "a list within a record"}: ${name}`);
    t.notMatch(shown, "input_requ\u2026");
    t.ok(shown.split("\n").every((line) => textWidth(line) <= 80));
  }
  t.end();
});

t.test("colors are added to texts, and change no width", (t) => {
  const text = JSON.stringify({ leases: [{ id: "a", state: "held", resources: ["path:a"] }] });
  const options = { list: "leases", fields: undefined } as const;
  const colored = formatForPerson(text, options, { ...plain(80), hasColors: true }) ?? "";
  t.match(colored, "\u001b[32mheld\u001b[0m");
  t.match(colored, "\u001b[1mID\u001b[0m");
  const bare = formatForPerson(text, options, plain(80));
  t.equal(colored.replace(COLORS, ""), bare);
  t.end();
});

t.test("hidden characters of a text do not reach the terminal", (t) => {
  const hostile = "a\u001b[2J\u009b31m\u202eb\r\nkoor: all is well";
  const list = JSON.stringify([{ key: hostile, version: 1, content_type: hostile, updated_at: hostile }]);
  const record = JSON.stringify({
    [hostile]: hostile,
    nested: { [hostile]: [hostile] },
    list: [{ [hostile]: hostile }],
  });
  for (const [text, name] of [
    [list, "state"],
    [record, undefined],
  ] as const) {
    const shown = formatForPerson(text, { list: name, fields: undefined }, plain(200)) ?? "";
    t.notMatch(shown, /(?!\n)\p{Cc}|\u202e/u);
    t.match(shown, "\\u001b[2J");
    t.notMatch(shown, /^koor:/m, "no text begins a line");
  }
  t.end();
});

t.test("a record has a line for each member, with the names that --fields takes", (t) => {
  const record = {
    id: "lease-1",
    fence: 12345678901234,
    holder: { id: "i", name: "ana" },
    resources: ["path:a", "path:b"],
    note: null,
    granted_at: "2026-11-21T14:58:00.000Z",
    history: [{ at: "2026-11-21T14:58:00.000Z", state: "held" }],
  };
  const text = JSON.stringify(record).replace("12345678901234", "12345678901234567890");
  t.equal(
    formatForPerson(text, { list: undefined, fields: undefined }, plain(80)),
    "id           lease-1\n" +
      "fence        12345678901234567890\n" +
      "holder.id    i\n" +
      "holder.name  ana\n" +
      "resources    path:a, path:b\n" +
      "note         -\n" +
      "granted_at   2m ago (2026-11-21T14:58:00.000Z)\n" +
      "\nhistory:\nAT      STATE\n2m ago  held\n",
  );
  t.end();
});

t.test("what is no list of records is no table", (t) => {
  const show = (value: unknown, list?: "leases" | "usage sums" | "nodes" | "violations") =>
    formatForPerson(JSON.stringify(value), { list, fields: undefined }, plain(80));
  t.equal(show({ leases: [] }, "leases"), "no leases\n");
  t.equal(show([1, 2]), undefined);
  t.equal(show({ exported: 2 }, "leases"), "exported  2\n", "an answer without the list is a record");
  t.equal(show({ valid: true, violations: [] }, "violations"), "no violations\n");
  t.match(
    show({ group_by: "project", groups: { b: { request_count: 1 } } }, "usage sums"),
    /^group_by +project\n\nGROUP +REQUEST COUNT\nb +1\n$/,
  );
  t.match(show({ state: "ok", nodes: [{ node: "a", lag: 0 }] }, "nodes"), /^state +ok\n\nNODE +LAG\na +0\n$/);
  t.equal(formatForPerson("{", { list: undefined, fields: undefined }, plain(80)), undefined, "no JSON");
  t.end();
});

t.test("times are relative to now", (t) => {
  const rows: readonly (readonly [ms: number, text: string])[] = [
    [0, "now"],
    [-999, "now"],
    [-1000, "1s ago"],
    [-119_999, "119s ago"],
    [-180_000, "3m ago"],
    [120_000, "in 2m"],
    [-7_200_000, "2h ago"],
    [-5 * 86_400_000, "5d ago"],
    [800 * 86_400_000, "in 2y"],
  ];
  for (const [ms, text] of rows) t.equal(formatRelativeTime(new Date(NOW_MS + ms).toISOString(), NOW_MS), text);
  t.same(
    [-5, 999, 119_000, 120_000, 7_300_000, 172_800_000, 729 * 86_400_000].map(formatLength),
    ["0s", "0s", "119s", "2m", "2h", "2d", "729d"],
    "the columns of top have room for four characters",
  );
  t.ok(isTimestamp("2026-11-21T15:03:31.039Z"));
  for (const text of ["2026-11-21", "at 2026-11-21T15:03:31Z", "2026-99-21T15:03:31Z"])
    t.notOk(isTimestamp(text), text);
  t.end();
});

t.test("progress says the rate and the time left", (t) => {
  t.equal(
    formatProgress({ name: "restore", totalBytes: 10_000_000 }, 2_500_000, 1000),
    "restore: 2.5 MB of 10.0 MB (25%), 2.5 MB/s, 3s left",
  );
  t.match(formatProgress({ name: "restore", totalBytes: 10 }, 9, 3000), / 1s left$/, "rounded up while it runs");
  t.equal(formatProgress({ name: "backup", totalBytes: undefined }, 123_456_789, 10_000), "backup: 123 MB, 12.3 MB/s");
  t.equal(
    formatProgress({ name: "backup", totalBytes: 20_000, isGuess: true }, 10_000, 1000),
    "backup: 10.0 kB of about 20.0 kB (50%), 10.0 kB/s, about 1s left",
  );
  t.equal(
    formatProgress({ name: "backup", totalBytes: 5, isGuess: true }, 10, 1000),
    "backup: 10 B, 10 B/s",
    "a guess that was too low",
  );
  t.equal(formatBytes(999_999), "1.0 MB");
  t.equal(formatBytes(999), "999 B");
  t.end();
});

t.test("progress appears after a second, and is removed at the end", (t) => {
  let nowMs = 0;
  const written: string[] = [];
  const watch = () =>
    new Progress(
      { name: "answer", totalBytes: 100 },
      () => nowMs,
      (text) => written.push(text),
    );
  const short = watch();
  nowMs = 999;
  short.add(50);
  short.end();
  t.same(written, [], "a short transfer shows nothing");
  const long = watch();
  nowMs += 1000;
  long.add(50);
  nowMs += 100;
  long.add(10);
  t.same(written, ["\r\u001b[Kanswer: 50 B of 100 B (50%), 50 B/s, 1s left"], "not with every piece");
  nowMs += 100;
  long.add(10);
  t.match(written.at(-1), "answer: 70 B of 100 B (70%)");
  long.end();
  t.equal(written.at(-1), "\r\u001b[K");
  t.end();
});
