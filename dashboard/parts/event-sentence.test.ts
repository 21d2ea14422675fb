import t from "tap";
import { sentenceOf, type Piece } from "./event-sentence.js";

function said(topic: string, data: unknown, source = "koor"): readonly Piece[] {
  return sentenceOf({ id: 1, topic, data, source, created_at: "2026-02-09T14:30:00.000Z" });
}

/** Joins the pieces of a sentence to plain text. */
const plain = (pieces: readonly Piece[]): string =>
  pieces
    .map((piece) => (typeof piece === "string" ? piece : "agent" in piece ? (piece.name ?? piece.agent) : piece.thing))
    .join("");

const BEN = { id: "i-2", name: "ben" };
const lease = (more: object = {}) => ({ lease_id: "lease-7", holder: BEN, resources: ["path:src/a.ts"], ...more });
const task = (more: object = {}) => ({ task_id: "api", title: "the API", holder: BEN, ...more });

t.test("events of the server are sentences", (t) => {
  for (const [topic, data, sentence] of [
    ["lease.granted", lease(), "ben leased src/a.ts"],
    ["lease.released", lease(), "ben released src/a.ts"],
    ["lease.waiting", lease({ resources: ["path:a", "state:b"] }), "ben waits for a and 1 more"],
    ["lease.lost", lease({ reason: "expired" }), "ben lost src/a.ts: expired"],
    ["task.created", task({ holder: null }), "Task the API was added"],
    ["task.claimed", task(), "ben took the API"],
    ["task.done", task(), "ben finished the API"],
    ["task.failed", task({ reason: "no network" }), "ben failed at the API: no network"],
    ["task.input_required", task(), "ben has a question about the API"],
    [
      "task.blocked",
      task({ holder: null, reason: "waits for dead task x" }),
      "Task the API is blocked: waits for dead task x",
    ],
    ["agent.stale", { instance_id: "i-1" }, "i-1 fell silent"],
    [
      "agent.denied",
      { instance: BEN, path: "a.ts", holder: { id: "i-3", name: "ana" } },
      "ben was denied a.ts, which ana holds",
    ],
    ["agent.denied", { instance: BEN, path: "a.ts", holder: null }, "ben was denied a.ts"],
    ["message.sent", { from: "i-1", to: ["i-2", "i-3"], subject: "the plan" }, "i-1 wrote to i-2, i-3: the plan"],
    ["message.sent", { from: "i-1", to: ["i-2"] }, "i-1 wrote to i-2"],
    ["compliance.violation", { instance_id: "i-1", project: "p", contract: "c" }, "i-1 violates c"],
    ["webhook.disabled", { id: "ci" }, "Webhook ci was turned off"],
    [
      "budget.warned",
      { id: "day", scope: "workspace", target: "shop" },
      "The budget day of the workspace shop is nearly used up",
    ],
    ["budget.exhausted", { id: "day", scope: "workspace", target: "" }, "The budget day is used up"],
    ["budget.reset", { id: "day", scope: "task", target: "t-1" }, "The budget day of the task t-1 is open again"],
    [
      "llm.limited",
      { provider: "acme", account: "team-a", reason: "HTTP 429" },
      "acme limits the rate of team-a: HTTP 429",
    ],
    ["llm.limit.ended", { provider: "acme", account: "team-a" }, "acme no longer limits the rate of team-a"],
    ["radar.overlap", { kind: "lines", paths: ["a.ts"], count: 1 }, "Two checkouts change a.ts"],
    ["radar.clear", { paths: ["a.ts", "b.ts"], count: 40 }, "No longer changed by two checkouts: a.ts and 39 more"],
  ] as const)
    t.equal(plain(said(topic, data)), sentence, sentence);
  t.equal(plain(said("llm.usage.recorded", { model: "m-1" }, "i-1")), "i-1 used m-1");
  t.equal(plain(said("koor.state.updated", { key: "plan/a" }, "i-1")), "i-1 wrote plan/a");
  t.end();
});

t.test("a thing has the path of its page", (t) => {
  t.same(said("lease.released", lease()), [
    { agent: "i-2", name: "ben" },
    " released ",
    { thing: "src/a.ts", path: ["leases", "lease-7"] },
  ]);
  t.end();
});

t.test("landings are told as who published them says", (t) => {
  const landing = { branch: "tax", into: "main", reason: "check", holder: BEN };
  for (const [topic, sentence] of [
    ["land.pushing", "ana pushes tax to main"],
    ["land.landed", "ana landed tax into main"],
    ["land.conflict", "ana has a conflict between tax and main"],
    ["land.failed", "ana could not land tax into main: check"],
  ] as const) {
    t.equal(plain(said(topic, landing, "ana")), sentence);
    t.equal(plain(said(topic, landing, "")), `${topic} was published`, "nobody's word");
  }
  t.end();
});

t.test("other events say who published what", (t) => {
  for (const [data, sentence] of [
    [{ text: "I am here" }, "ana published build.done: I am here"],
    ["all green", "ana published build.done: all green"],
    [{ count: 3, title: "", summary: "3 tests" }, "ana published build.done: 3 tests"],
    [{ count: 3 }, "ana published build.done"],
    [null, "ana published build.done"],
    [[1, 2], "ana published build.done"],
  ] as const)
    t.equal(plain(said("build.done", data, "ana")), sentence);
  t.equal(plain(said("build.done", null, "")), "build.done was published");
  t.end();
});

t.test("data in another form than the server's are told as another event", (t) => {
  for (const data of [null, "x", 3, {}, { holder: "", resources: 3 }, { holder: { id: 4 } }, lease({ resources: [] })])
    t.match(plain(said("lease.granted", data, "ana")), "ana published lease.granted");
  const event = { id: 1, topic: "task.done", data: '{"task_id', source: "koor", created_at: "", cut: true } as const;
  t.match(plain(sentenceOf(event)), "koor published task.done", "long data are held in part");
  t.end();
});
