/** Tests the pure parts of `top`: widths, rows, keys and the layout. test/cli-top.test.ts tests `top` on a terminal. */
import t from "tap";

import { fitText, textWidth, truncateText } from "../output/text-width.js";
import { press, scroll, startControls, type Controls, type Key } from "./controls.js";
import { NO_DATA, rateOf, readFigures, VIEW_NAMES, type Data, type ViewName } from "./data.js";
import { drawScreen, drawText, makePaint, pageOf, placeColumns, plain, type Scene } from "./layout.js";
import { makeView } from "./model.js";
import { arrange } from "./rows.js";

const NOW = Date.parse("2026-11-23T12:00:00.000Z");
const ANA = { id: "1", name: "ana", client: "claude", status: "active", last_seen: "2026-11-23T11:59:50.000Z" };
const HOSTILE = "\u001b[2Jevil\nname\u202e";

const DATA: Data = {
  ...NO_DATA,
  answers: {
    instances: [
      { ...ANA, workspace: "trucks", intent: "fixes the build" },
      {
        id: "2",
        name: "名前🚀",
        status: "stale",
        last_seen: "2026-11-23T10:00:00.000Z",
        workspace: "",
        intent: HOSTILE,
      },
    ],
    leases: {
      leases: [
        { id: "lease-9", state: "held", holder: { id: "2", name: "bob" }, resources: ["db"], mode: "shared" },
        {
          id: "lease-1",
          state: "held",
          holder: ANA,
          resources: ["path:a", "b"],
          expires_at: "2026-11-23T12:03:00.000Z",
        },
      ],
    },
    waits: {
      waiting: 2,
      waits: [
        { lease: "lease-2", for: "lease-1" },
        { lease: "lease-2", for: "lease-9" },
        { lease: "lease-3", for: "lease-2" },
        { lease: "lease-4", for: "lease-0" },
      ],
      leases: ["lease-2", "lease-3", "lease-4"].map((id, at) => ({
        id,
        state: "waiting",
        holder: { id: "3", name: "cy" },
        position: at + 1,
        requested_at: "2026-11-23T11:59:00.000Z",
      })),
    },
    claimed: { tasks: [{ id: "api", state: "claimed", holder: ANA, title: "API", progress: { percent: 40 } }] },
    asked: { tasks: [{ id: "q", state: "input_required", title: "Q" }] },
    tasks: {
      tasks: [
        { id: "old", state: "done", title: "Old" },
        { id: "api", state: "ready", title: "API", updated_at: "" },
        { id: "next", state: "ready", title: "Next" },
      ],
    },
    events: [{ id: 7, topic: "build.done", source: "1", data: { ok: true }, created_at: "2026-11-23T11:59:58.000Z" }],
    audit: [
      {
        id: 3,
        action: "state.put",
        actor: "1",
        outcome: "error",
        detail: '{"error":"no such key","code":404}',
        count: 2,
      },
      { id: 2, action: "state.put", actor: "", outcome: "success", detail: "{}" },
      { id: 1, action: "x", actor: "", outcome: "error", detail: "no JSON" },
    ],
  },
};

function texts(name: ViewName, data: Data = DATA): readonly (readonly string[])[] {
  return makeView(name, data, NOW).rows.map(({ cells }) => cells.map(({ text }) => text));
}

t.test("texts are measured and cut in columns of a terminal", (t) => {
  const rows: readonly (readonly [string, number])[] = [
    ["abc", 3],
    ["", 0],
    ["名前", 4],
    ["🚀", 2],
    ["👩‍👩‍👧", 2],
    ["e\u0301", 1],
    ["❤️", 2],
    ["zoë", 3],
  ];
  for (const [text, columns] of rows) t.equal(textWidth(text), columns, text);
  t.equal(truncateText("abcdef", 4), "abc…");
  t.equal(truncateText("abcd", 4), "abcd");
  t.equal(truncateText("名前名前", 5), "名前…");
  t.equal(truncateText("名前名前", 4), "名…", "a wide letter is not halved");
  t.equal(truncateText("x", 0), "");
  t.equal(fitText("名", 4), "名  ");
  t.equal(fitText("7s", 4, true), "  7s");
  for (const text of ["名前名前", "a名前b", "🚀🚀🚀"])
    for (let columns = 1; columns < 9; columns++)
      t.equal(textWidth(fitText(text, columns)), columns, `${text} ${columns}`);
  t.end();
});

t.test("agents are shown with what they hold", (t) => {
  const [ana, other] = texts("agents");
  t.same(ana, ["ana", "claude", "active", "10s", "1", "1", "trucks", "fixes the build"]);
  t.same(
    other,
    ["名前🚀", "", "stale", "2h", "1", "-", "", "\\u001b[2Jevil\\nname\\u202e"],
    "a hostile text is escaped",
  );
  t.end();
});

t.test("requests that wait are below what they wait for", (t) => {
  t.same(
    texts("leases").map(([id, state, holder, left]) => [id, state, holder, left]),
    [
      ["lease-9", "held", "bob", "-"],
      ["lease-1", "held", "ana", "3m"],
      ["└ lease-2", "waits 1", "cy", "-"],
      ["└ lease-3", "waits 2", "cy", "-"],
      ["└ lease-4", "waits 3", "cy", "-"],
    ],
    "each once, also where its lease has ended meanwhile",
  );
  t.end();
});

t.test("tasks are shown by state, events and refusals as they came", (t) => {
  t.same(
    texts("tasks").map(([id, state, , done]) => [id, state, done]),
    [
      ["q", "input_required", ""],
      ["api", "claimed", "40%"],
      ["next", "ready", ""],
      ["old", "done", ""],
    ],
  );
  t.same(texts("events")[0]?.slice(1), ["7", "build.done", "ana", '{"ok":true}']);
  t.same(
    texts("refusals").map((row) => row.slice(1)),
    [
      ["404", "state.put", "ana", "", "2", "no such key"],
      ["0", "x", "", "", "1", "no JSON"],
    ],
  );
  t.end();
});

t.test("answers of another shape are no failure", (t) => {
  for (const answer of [
    undefined,
    null,
    1,
    "x",
    [],
    {},
    [null, 1, {}],
    { leases: 1, tasks: [null, {}], waits: [{}] },
  ]) {
    const answers = Object.fromEntries(Object.keys(DATA.answers).map((name) => [name, answer]));
    for (const name of VIEW_NAMES)
      t.ok(makeView(name, { ...DATA, answers }, NOW).rows, `${name} ${JSON.stringify(answer)}`);
  }
  t.end();
});

t.test("data of an event may be long, and nested deeper than the stack allows", (t) => {
  const deep: unknown = JSON.parse(`${"[".repeat(90_000)}${"]".repeat(90_000)}`);
  const events = [deep, "x".repeat(1_000_000)].map((data, id) => ({ id, topic: "a", data }));
  const [first, second] = makeView("events", { ...DATA, answers: { events } }, NOW).rows;
  t.equal(first?.cells.at(-1)?.text, "[".repeat(1024));
  t.equal(second?.cells.at(-1)?.text, `"${"x".repeat(1023)}`);
  t.end();
});

t.test("figures and rates come from the metrics", (t) => {
  const text = (requests: number, events: number): string =>
    [
      "# HELP koor_x y",
      `koor_http_requests_total{route="a",status="200"} ${requests}`,
      'koor_http_requests_total{route="a",status="404"} 3',
      'koor_http_requests_total{route="a",status="503"} 2',
      `koor_last_event_id ${events}`,
      "koor_uptime_seconds 75.5",
      'koor_tasks{state="ready"} 4',
      'koor_instances{status="active"} 2',
      "koor_leases NaN",
      "constructor 1",
      "no line",
    ].join("\n");
  const [earlier, figures] = [readFigures(text(10, 5), 1_000), readFigures(text(30, 6), 3_000)];
  t.match(figures, { requests: 35, refused: 3, errors: 2, events: 6, uptimeS: 75.5 });
  t.same(figures.states, { instances: { active: 2 }, leases: {}, tasks: { ready: 4 } });
  t.equal(rateOf({ ...DATA, figures, earlier }, "requests"), 10);
  t.equal(rateOf({ ...DATA, figures, earlier }, "events"), 0.5);
  t.equal(rateOf({ ...DATA, figures: earlier, earlier: { ...figures, atMs: 0 } }, "requests"), 0, "after a restart");
  t.equal(rateOf({ ...DATA, figures }, "requests"), undefined);
  t.end();
});

t.test("rows are filtered and sorted", (t) => {
  const view = makeView("agents", DATA, NOW);
  const names = (filter: string, column: number | null, isReverse = false): readonly string[] =>
    arrange(view, filter, { column, isReverse }).map((row) => row.key);
  t.same(names("", null), ["1", "2"]);
  t.same(names("", null, true), ["2", "1"]);
  t.same(names("ANA", null), ["1"]);
  t.same(names("evil", null), ["2"], "any column");
  t.same(names("", 3), ["1", "2"], "times are sorted by the time");
  t.same(names("", 2, true), ["2", "1"]);
  t.end();
});

const SHOWN = { rows: 30, page: 10, columns: 8 };

function key(text: string, name = text, more: Partial<Key> = {}): Key {
  return { name, text, isCtrl: false, isShift: false, ...more };
}

function pressAll(keys: readonly Key[], from: Controls = startControls("agents")): Controls {
  return keys.reduce((controls, one) => scroll(press(controls, one, SHOWN)[0], SHOWN), from);
}

t.test("keys are those of htop", (t) => {
  t.match(pressAll([key("", "down"), key("", "down"), key("", "up")]), { selected: 1, first: 0 });
  t.match(pressAll([key("", "pagedown"), key("", "pagedown")]), { selected: 20, first: 11 });
  t.match(pressAll([key("", "end")]), { selected: 29, first: 20 });
  t.match(pressAll([key("", "end"), key("", "down"), key("", "pageup"), key("", "pageup")]), { selected: 9, first: 9 });
  t.match(pressAll([key("", "end"), key("", "home")]), { selected: 0, first: 0 });
  t.equal(pressAll([key("\t", "tab")]).view, "leases");
  t.equal(pressAll([key("", "tab", { isShift: true })]).view, "refusals");
  t.equal(pressAll([key("3")]).view, "tasks");
  t.equal(pressAll([key("9")]).view, "agents", "there is no such view");
  t.equal(pressAll([key(" ", "space")]).isPaused, true);
  t.equal(pressAll([key("p"), key("p")]).isPaused, false);
  for (const help of [key("h"), key("?"), key("", "f1")]) t.equal(pressAll([help]).isHelp, true);
  t.equal(pressAll([key("h"), key("x")]).isHelp, false);
  t.same(pressAll([key(">")]).sorting.agents, { column: 0, isReverse: false });
  t.same(pressAll([key("", "f6"), key(">")]).sorting.agents.column, 1);
  t.same(pressAll([key("<")]).sorting.agents.column, 7);
  t.same(pressAll([key(">"), key("<")]).sorting.agents.column, null);
  t.same(pressAll([key("r")]).sorting.agents.isReverse, true);
  t.same(pressAll([key("/"), key("q"), key("名"), key("\u007f", "backspace")]), {
    ...startControls("agents"),
    filter: "q",
    isTyping: true,
  });
  t.match(pressAll([key("/"), key("a"), key("\r", "return"), key("2")]), {
    filter: "a",
    isTyping: false,
    view: "leases",
  });
  t.match(pressAll([key("/"), key("a"), key("\u001b", "escape")]), { filter: "", isTyping: false });
  t.equal(press(startControls("agents"), key("q"), SHOWN)[1], "quit");
  t.equal(press(startControls("agents"), key("\u0003", "c", { isCtrl: true }), SHOWN)[1], "quit");
  t.equal(press(startControls("agents"), key("\u001a", "z", { isCtrl: true }), SHOWN)[1], "suspend");
  t.same(scroll({ ...startControls("agents"), selected: 29, first: 20 }, { rows: 3, page: 10 }).first, 0, "fewer rows");
  t.same(scroll(startControls("agents"), { rows: 0, page: 10 }).selected, 0);
  t.end();
});

function sceneOf(view: ViewName, more: Partial<Controls> = {}, trouble = ""): Scene {
  const controls = { ...startControls(view), ...more };
  const made = makeView(view, DATA, NOW);
  const rows = arrange(made, controls.filter, controls.sorting[view]);
  return { controls, view: made, rows, data: DATA, link: { server: "http://127.0.0.1:9800", trouble } };
}

t.test("the screen has a line for each row of the terminal, and none is too long", (t) => {
  const sizes = [
    [40, 10],
    [20, 5],
    [80, 24],
    [200, 60],
    [1, 1],
    [10, 3],
  ] as const;
  for (const [columns, rows] of sizes) {
    for (const view of VIEW_NAMES) {
      for (const scene of [
        sceneOf(view),
        sceneOf(view, { isHelp: true }),
        sceneOf(view, { isTyping: true }, "cannot reach it"),
      ]) {
        const lines = drawScreen(scene, { columns, rows }, plain);
        t.equal(lines.length, rows, `${view} ${columns}x${rows}`);
        for (const line of lines) t.ok(textWidth(line) <= columns, `${view} ${columns}x${rows}: ${line}`);
      }
    }
  }
  t.end();
});

t.test("a small screen shows what matters", (t) => {
  const small = drawScreen(sceneOf("agents"), { columns: 40, rows: 10 }, plain);
  t.match(small[0], /^koor http:\/\/127\.0\.0\.1:9800 +live$/);
  t.match(small[1], " 1 agents  2  3  4  5");
  t.match(small[2], /^NAME +STATUS +SEEN +LEASES/);
  t.match(small[3], /^ana +active +10s +1/);
  t.equal(pageOf(sceneOf("agents"), { columns: 40, rows: 10 }), 6);
  const away = drawScreen(
    sceneOf("agents", {}, "cannot reach http://127.0.0.1:9800"),
    { columns: 80, rows: 24 },
    plain,
  );
  t.match(away[0], /AWAY$/);
  t.match(away[1], "cannot reach http://127.0.0.1:9800, trying again");
  t.match(drawScreen(sceneOf("agents", { isPaused: true }), { columns: 80, rows: 24 }, plain)[0], /PAUSED$/);
  t.match(
    drawScreen(sceneOf("agents", { filter: "zzz" }), { columns: 80, rows: 24 }, plain).join("\n"),
    "no row has this text",
  );
  const refused = { ...sceneOf("refusals"), data: { ...DATA, refusals: { audit: "not for agents (403)" } } };
  t.match(
    drawScreen(refused, { columns: 80, rows: 24 }, plain).join("\n"),
    "the server refuses this: not for agents (403)",
  );
  const hostile = { ...refused, data: { ...DATA, refusals: { audit: "\u001b[2Jevil\u009b5m\u202e (409)" } } };
  t.match(
    drawScreen(hostile, { columns: 80, rows: 24 }, plain).join("\n"),
    "the server refuses this: \\u001b[2Jevil\\u009b5m\\u202e (409)",
    "a hostile refusal is escaped",
  );
  t.end();
});

t.test("columns are left out by their rank", (t) => {
  const { columns, rows } = makeView("agents", DATA, NOW);
  const titles = (room: number): readonly string[] =>
    placeColumns(columns, rows, room).map(({ column }) => column.title);
  t.same(titles(12), ["NAME"]);
  t.same(titles(30), ["NAME", "STATUS", "SEEN"]);
  t.same(
    titles(200),
    columns.map(({ title }) => title),
  );
  t.end();
});

t.test("colours are left out where they are not wanted", (t) => {
  const size = { columns: 80, rows: 24 };
  t.match(drawScreen(sceneOf("agents", { selected: 1 }), size, makePaint(true)).join("\n"), "\u001b[32mactive");
  const bare = drawScreen(sceneOf("agents", { selected: 1 }), size, makePaint(false)).join("\n");
  t.notMatch(bare, /\[(?:\d+;)*3\dm/);
  t.match(bare, "\u001b[7m", "the selected row is seen without colours");
  t.end();
});

t.test("a frame as text has every row", (t) => {
  const text = drawText(sceneOf("agents"), Number.MAX_SAFE_INTEGER);
  t.match(text, /^koor http:\/\/127\.0\.0\.1:9800\n/);
  t.match(text, /^AGENTS\nNAME +CLIENT/m);
  t.match(text, /^ana +claude +active +10s +1 +1 +trucks +fixes the build$/m);
  t.notMatch(text, "\u001b");
  t.end();
});
