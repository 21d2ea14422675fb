/**
 * Tests "Events" of the HTTP API against a real server: publishing, history and its cursor, patterns, WebSocket,
 * Server-Sent Events and the long poll, replay without a gap or a duplicate, notices of dropped events, and what each
 * subscriber gets when the server ends.
 */
import type { OutgoingHttpHeaders } from "node:http";
import t from "tap";
import { PAGE_ROWS_MAX } from "../schemas/limits/answers.js";
import {
  EVENT_ROWS_DEFAULT,
  PUBLISH_EVENTS_MAX,
  SUBSCRIBER_BUFFER_EVENTS_MAX,
  SUBSCRIBER_MESSAGE_BYTES_MAX,
} from "../schemas/limits/events.js";
import { PATTERN_BYTES_MAX, SOURCE_BYTES_MAX, TOPIC_BYTES_MAX } from "../schemas/limits/names.js";
import { BODY_BYTES_MAX } from "../schemas/limits/request-bodies.js";
import { LONG_POLL_WAIT_S_MAX } from "../schemas/limits/wait.js";
import { SERVER_SOURCES, SERVER_TOPICS } from "../schemas/events.js";
import { TIMESTAMP } from "./support/answers.js";
import { parseExposition } from "./support/exposition.js";
import { send, sendJson, type Answer, type Refusal } from "./support/http-client.js";
import { startKoor, type Koor } from "./support/server-process.js";
import {
  UpgradeRefused,
  openSocket,
  openStream,
  type Dropped,
  type Subscriber,
  type ReceivedEvent,
} from "./support/subscriber.js";
import { betweenLooks } from "./support/between-looks.js";

const HISTORY = "/api/events/history";

const koor = await startKoor(t, { args: ["--log-level", "debug"] });
const { port } = koor;

const get = (path: string, headers: OutgoingHttpHeaders = {}): Promise<Answer> => send(port, "GET", path, { headers });
const publish = (body: unknown, to: Koor = koor): Promise<Answer> =>
  sendJson(to.port, "POST", "/api/events/publish", body);
const publishOne = async (topic: string, data: unknown = null, to: Koor = koor): Promise<ReceivedEvent> =>
  (await publish({ topic, data }, to)).json<ReceivedEvent>();
const history = async (query: string): Promise<ReceivedEvent[]> =>
  (await get(`${HISTORY}?${query}`)).json<ReceivedEvent[]>();
const lastId = async (): Promise<number> =>
  (await get("/api/metrics")).json<{ readonly last_event_id: number }>().last_event_id;
const idsOf = (received: readonly (ReceivedEvent | Dropped)[]): number[] =>
  received.map((item) => ("id" in item ? item.id : Number.NaN));
const range = (first: number, last: number): number[] =>
  Array.from({ length: last - first + 1 }, (_, at) => first + at);
const figure = async (name: string): Promise<number> =>
  parseExposition((await get("/metrics")).text).get(name)?.samples[0]?.value ?? Number.NaN;
const pathsOf = (query: string): string[] => [
  `${HISTORY}?${query.replace("pattern=", "topic=")}`,
  `/api/events/stream?${query}`,
  `/api/events/subscribe?${query}`,
];

/** Far above what a busy machine needs. */
const PATIENCE_MS = 30_000;

/** Asks again until the answer is the expected one. */
async function until(what: string, holds: () => Promise<boolean>): Promise<void> {
  const end = performance.now() + PATIENCE_MS;
  while (performance.now() < end) {
    if (await holds()) return;
    await betweenLooks();
  }
  throw new Error(`not in time: ${what}`);
}

/** Waits until the subscribers of earlier tests are gone. */
const untilAlone = (): Promise<void> =>
  until("no client is subscribed", async () => (await figure("koor_subscribers")) === 0);

t.test("a new server has no events", async (t) => {
  t.equal((await get(HISTORY)).text, "[]\n");
  t.equal((await get(`${HISTORY}?after=0`)).text, "[]\n");
  t.equal(await lastId(), 0);
});

t.test("a published event has the same shape everywhere", async (t) => {
  const socket = await openSocket(t, port);
  const stream = await openStream(t, port);
  const answer = await publish(
    '{"topic":"api.change.contract","data":{"n":12345678901234567890,"f":1.50,"e":1E400,' +
      '"s":"\\u00e9\\ud83d\\ude00"},"source":"me"}',
  );
  t.equal(answer.status, 200);
  t.equal(answer.headers["content-type"], "application/json");
  const event = answer.json<ReceivedEvent>();
  t.same(Object.keys(event), ["id", "topic", "data", "source", "created_at"]);
  t.match(event, { id: 1, topic: "api.change.contract", source: "me", created_at: TIMESTAMP });
  t.match(
    answer.text,
    '"data":{"n":12345678901234567890,"f":1.50,"e":1E400,"s":"\\u00e9\\ud83d\\ude00"}',
    "it is the publisher's own text",
  );

  await socket.untilCount(1);
  await stream.untilCount(1);
  t.equal(socket.items[0], answer.text.trimEnd(), "a text frame of that shape");
  t.equal(stream.items[0], answer.text.trimEnd());
  t.equal((await get(HISTORY)).text, `[${answer.text.trimEnd()}]\n`);
  t.equal((await get(`${HISTORY}?after=0&wait=1`)).text, `[${answer.text.trimEnd()}]\n`);
  t.equal(await lastId(), 1);

  const bare = (await publish({ topic: "bare" })).json<ReceivedEvent>();
  t.match(bare, { id: 2, data: null, source: "" }, "missing data is null");
});

t.test("data may be any JSON", async (t) => {
  const socket = await openSocket(t, port, "pattern=data");
  const stream = await openStream(t, port, "pattern=data");
  const texts = [
    "null",
    "false",
    "0",
    "-0",
    "1e400",
    '""',
    '"\\u0000\\ud800"',
    "[]",
    "{}",
    '[1,[2,{"a":{}}]]',
    '{"a":1,"a":2}',
    '{"__proto__":{"x":1}}',
    `"${"x".repeat(100_000)}"`,
    `${"[".repeat(999)}${"]".repeat(999)}`,
  ];
  for (const [at, text] of texts.entries()) {
    const answer = await publish(`{"topic":"data","data":${text}}`);
    t.equal(answer.status, 200, text.slice(0, 40));
    t.match(answer.text, `"data":${text},"source"`);
    await socket.untilCount(at + 1);
    await stream.untilCount(at + 1);
    t.equal(socket.items[at], answer.text.trimEnd());
    t.equal(stream.items[at], answer.text.trimEnd());
    t.equal((await get(`${HISTORY}?last=1`)).text, `[${answer.text.trimEnd()}]\n`);
  }
  const spread = await publish('\uFEFF{\r\n "data" : {\n"a"\t:\r[ 1 ,\n2 ]},\n"topic":"data" }\n');
  t.same(spread.json<ReceivedEvent>().data, { a: [1, 2] });
  await stream.untilCount(texts.length + 1);
  t.equal(stream.items.at(-1), spread.text.trimEnd(), "data of several lines is one line of a stream");
  t.notMatch(spread.text.trimEnd(), /[\r\n]/);
});

t.test("of duplicate members the last wins, unknown members are ignored, and __proto__ is one of them", async (t) => {
  t.match((await publish('{"topic":"first","topic":"second","data":1,"data":2,"source":"a","source":"b"}')).json(), {
    topic: "second",
    data: 2,
    source: "b",
  });
  t.match((await publish('{"topic":"t","id":99,"created_at":"x","__proto__":{"source":"evil"}}')).json(), {
    topic: "t",
    source: "",
    created_at: TIMESTAMP,
  });
  t.match((await publish('{"\\u0074opic":"escaped","d\\u0061ta":5}')).json(), { topic: "escaped", data: 5 });
});

t.test("a JSON body is read as JSON whatever its Content-Type", async (t) => {
  for (const type of ["application/x-www-form-urlencoded", "text/plain", "application/json; charset=latin1", ""]) {
    const answer = await send(port, "POST", "/api/events/publish", {
      body: '{"topic":"typed"}',
      headers: type === "" ? {} : { "Content-Type": type },
    });
    t.equal(answer.status, 200, type);
  }
});

t.test("topics are any text of 1 to 256 bytes without control characters", async (t) => {
  for (const topic of [
    "a",
    ".",
    "..",
    "a..b",
    " ",
    "*",
    "[",
    "\\",
    "\u00e9",
    "\u{1F600}.x",
    "x".repeat(TOPIC_BYTES_MAX),
    "\u{1f600}".repeat(TOPIC_BYTES_MAX),
    "__proto__",
    '"quoted"',
  ]) {
    t.equal((await publishOne(topic)).topic, topic);
    t.equal((await history("last=1"))[0]?.topic, topic);
  }
});

t.test("a wrong publish is a 400 that names the field, and publishes nothing", async (t) => {
  const rows: readonly (readonly [body: string | Uint8Array, error: string | RegExp])[] = [
    ["", "empty body"],
    ["{", "malformed JSON body"],
    ["topic=a", "malformed JSON body"],
    [Buffer.from([0x7b, 0x22, 0xff, 0x22, 0x7d]), "the body is not UTF-8"],
    ["null", /must be an object/],
    ['"a"', /must be an object/],
    ["{}", "topic is required"],
    ['{"topic":""}', "topic is required"],
    ['{"topic":null}', "topic must be a string"],
    ['{"topic":5}', "topic must be a string"],
    ['{"topic":["a"]}', "topic must be a string"],
    ['{"Topic":"a"}', "topic is required"],
    ['{"__proto__":{"topic":"a"}}', "topic is required"],
    ['{"topic":"a","source":5}', "source must be a string"],
    [JSON.stringify({ topic: "x".repeat(TOPIC_BYTES_MAX + 1) }), /^topic /],
    [JSON.stringify({ topic: "\u{1f600}".repeat(TOPIC_BYTES_MAX) + "x" }), /^topic /],
    [JSON.stringify({ topic: "a", source: "x".repeat(SOURCE_BYTES_MAX + 1) }), /^source /],
    ['{"topic":"a\\u0000"}', /^topic .*control/],
    ['{"topic":"a\\n"}', /^topic .*control/],
    ['{"topic":"\\u007f"}', /^topic .*control/],
    ['{"topic":"\\ud800"}', /^topic /],
    ['{"topic":"a","source":"\\udc00"}', /^source /],
    ["[]", /empty/],
    ['[{"topic":"a"},{}]', "[1].topic is required"],
    ['[{"topic":"a"},5]', "[1] must be an object"],
    ['[{"topic":"a"},{"topic":"a\\u0001"}]', /^\[1\]\.topic .*control/],
    ['[[{"topic":"a"}]]', "[0] must be an object"],
    [JSON.stringify(Array.from({ length: PUBLISH_EVENTS_MAX + 1 }, () => ({ topic: "a" }))), /1000/],
  ];
  const before = await lastId();
  for (const [body, error] of rows) {
    const answer = await send(port, "POST", "/api/events/publish", { body });
    t.equal(answer.status, 400, String(body).slice(0, 50));
    t.match(answer.json<Refusal>(), { error, code: 400 });
  }
  const large = await send(port, "POST", "/api/events/publish", {
    body: `{"topic":"a","data":"${"x".repeat(BODY_BYTES_MAX)}"}`,
  });
  t.match(large.json<Refusal>(), { code: 413 });
  t.equal(await lastId(), before);
  t.equal((await history("last=1"))[0]?.id, before);
  const largest = `{"topic":"large","data":"${"x".repeat(BODY_BYTES_MAX - 27)}"}`;
  t.equal(largest.length, BODY_BYTES_MAX);
  t.equal((await publish(largest)).status, 200, "the largest body is accepted");
});

t.test("topics and sources of the server are reserved, in any case and Unicode form", async (t) => {
  const before = await lastId();
  const topics = [
    ...SERVER_TOPICS,
    "lease.x",
    "instance.registered",
    "LEASE.Granted",
    "ｌease.granted",
    "lease．granted",
  ];
  for (const topic of [...topics, "le\u200base.granted", "\u00a0task.done", "task .done", "\ufeffmessage.sent"]) {
    const answer = await publish({ topic, source: "me" });
    t.equal(answer.status, 403, topic);
    t.match(answer.json<Refusal>().error, /^topic: only the server publishes topics that begin with "\w+\."/);
  }
  for (const source of [...SERVER_SOURCES, "KOOR", "ｋoor", "ko\u00ador"]) {
    const answer = await publish({ topic: "t", source });
    t.equal(answer.status, 403, source);
    t.match(answer.json<Refusal>().error, /^source: only the server publishes as /);
  }
  t.match((await publish([{ topic: "t" }, { topic: "task.done" }])).json<Refusal>().error, /^\[1\]\.topic: only/);
  t.equal(await lastId(), before, "nothing of it is published");
  for (const event of [
    { topic: "leases.granted" },
    { topic: "my.task.done" },
    { topic: "task" },
    { topic: "a", source: "koor-ci" },
  ])
    t.equal((await publish(event)).status, 200, JSON.stringify(event));
});

t.test("an array is published in order and atomically", async (t) => {
  const socket = await openSocket(t, port, "pattern=many.*");
  const before = await lastId();
  const events = Array.from({ length: PUBLISH_EVENTS_MAX }, (_, at) => ({ topic: `many.${at}`, data: at }));
  const answer = (await publish(events)).json<ReceivedEvent[]>();
  t.same(idsOf(answer), range(before + 1, before + PUBLISH_EVENTS_MAX));
  t.same(
    answer.map(({ topic, data }) => ({ topic, data })),
    events,
  );
  t.same(
    idsOf(await socket.untilCount(PUBLISH_EVENTS_MAX)),
    idsOf(answer),
    "a subscriber that reads gets all of a burst",
  );
  t.match(
    (await publish([{ topic: "many.one" }])).json<ReceivedEvent[]>(),
    [{ topic: "many.one" }],
    "an array of one is an array",
  );
});

t.test("history gives the newest matching events, newest first", async (t) => {
  const rare = await publishOne("rare.bird", 1);
  await publish(Array.from({ length: 700 }, () => ({ topic: "noise", source: "n" })));
  const second = (await publish({ topic: "rare.fish", data: 2, source: "sea" })).json<ReceivedEvent>();
  const newest = await lastId();
  t.same(idsOf(await history("")), range(newest - EVENT_ROWS_DEFAULT + 1, newest).toReversed(), "50 by default");
  t.same(idsOf(await history("last=3")), [newest, newest - 1, newest - 2]);
  t.same(idsOf(await history("topic=rare.*")), [second.id, rare.id], "however many other events are between them");
  t.same(idsOf(await history("topic=rare.bird&last=1")), [rare.id]);
  t.same(await history("topic=rare"), []);
  t.same(idsOf(await history("topic=*&last=1")), [newest]);
  t.same(idsOf(await history("topic=&last=1")), [newest]);
  t.same(idsOf(await history("source=sea")), [second.id]);
  t.same(idsOf(await history("source=n&last=2")), [second.id - 1, second.id - 2]);
  t.same(await history("source=nobody"), []);
  t.equal(
    (await history("source=&last=10000")).every(({ source }) => source === ""),
    true,
    "an empty source is a filter, too",
  );
  t.equal((await history(`last=${PAGE_ROWS_MAX}`)).length, newest, "there are no others");
});

t.test("times of a history query are inclusive", async (t) => {
  const first = await publishOne("timed");
  await until("the clock has moved on", async () => (await publishOne("timed.filler")).created_at > first.created_at);
  const last = await publishOne("timed");
  const within = async (from: string, to: string): Promise<number[]> =>
    idsOf(await history(`topic=timed&from=${encodeURIComponent(from)}&to=${encodeURIComponent(to)}`));
  t.same(await within(first.created_at, last.created_at), [last.id, first.id]);
  t.same(await within(first.created_at, first.created_at), [first.id]);
  t.same(await within(last.created_at, last.created_at), [last.id]);
  t.same(await within(last.created_at, first.created_at), []);
  const next = (time: string, ms: number): string => new Date(Date.parse(time) + ms).toISOString();
  t.same(await within(next(first.created_at, 1), last.created_at), [last.id]);
  t.same(await within(first.created_at, next(last.created_at, -1)), [first.id]);
  t.same(
    idsOf(await history(`topic=timed&from=${first.created_at.replace("Z", "%2B00:00")}`)),
    [last.id, first.id],
    "a time may have an offset",
  );
  t.same(idsOf(await history("topic=timed&to=9999-12-31T23:59:59.999Z&from=0000-01-01T00:00:00Z")), [
    last.id,
    first.id,
  ]);
});

t.test("a cursor of the history misses nothing", async (t) => {
  const before = await lastId();
  await publish(Array.from({ length: 500 }, (_, at) => ({ topic: at % 5 === 0 ? "cursor.five" : "cursor.other" })));
  t.same(idsOf(await history(`after=${before}&last=10000`)), range(before + 1, before + 500), "oldest first");
  t.same(
    idsOf(await history(`after=${before}&last=3`)),
    range(before + 1, before + 3),
    "it starts right after the cursor",
  );
  t.equal((await history(`after=${before}`)).length, EVENT_ROWS_DEFAULT);
  t.same(await history(`after=${before + 500}`), []);
  t.same(await history("after=9007199254740991"), []);
  const walked: number[] = [];
  for (let cursor = before; ; ) {
    const page = idsOf(await history(`after=${cursor}&topic=cursor.five&last=7`));
    if (page.length === 0) break;
    walked.push(...page);
    cursor = page.at(-1) ?? cursor;
  }
  t.same(
    walked,
    range(before + 1, before + 500).filter((_, at) => at % 5 === 0),
  );
  t.same(idsOf(await history("after=0&last=2")), [1, 2], "0 gives the whole history");
});

t.test("parameters that do not parse are a 400", async (t) => {
  const integers = ["x", "-1", "1.5", "", "1e3", "%201"];
  const rows: readonly (readonly [path: string, error: RegExp])[] = [
    ...integers.map((value) => [`${HISTORY}?last=${value}`, /^last must be a positive integer$/] as const),
    [`${HISTORY}?last=0`, /^last /],
    [`${HISTORY}?last=${PAGE_ROWS_MAX + 1}`, /^last /],
    ...integers.map((value) => [`${HISTORY}?after=${value}`, /^after /] as const),
    ...integers.map((value) => [`${HISTORY}?after=0&wait=${value}`, /^wait /] as const),
    [`${HISTORY}?after=0&wait=${LONG_POLL_WAIT_S_MAX + 1}`, /^wait /],
    ...["yesterday", "", "2026-02-30T00:00:00Z", "1700000000"].flatMap(
      (value) =>
        [
          [`${HISTORY}?from=${value}`, /^from /],
          [`${HISTORY}?to=${value}`, /^to /],
        ] as const,
    ),
    [`${HISTORY}?topic=%zz`, /escape/],
    ...integers.flatMap(
      (value) =>
        [
          [`/api/events/stream?since=${value}`, /^since /],
          [`/api/events/subscribe?since=${value}`, /^since /],
        ] as const,
    ),
    ["/api/events/stream?notices=2", /^notices /],
    ["/api/events/subscribe?notices=yes", /^notices /],
  ];
  for (const [path, error] of rows) {
    const answer = await get(path);
    t.equal(answer.status, 400, path);
    t.match(answer.json<Refusal>(), { error, code: 400 }, path);
  }
  for (const header of ["x", "-1", "1.5", "99999999999999999999"])
    t.equal((await get("/api/events/stream", { "Last-Event-ID": header })).status, 400, `Last-Event-ID: ${header}`);
});

const PATTERNS: readonly (readonly [pattern: string, matching: readonly string[], other: readonly string[]])[] = [
  ["", ["pat.a", "pat.a.b"], []],
  ["*", ["pat.a", "pat.a.b"], []],
  ["pat.*", ["pat.a", "pat.", "pat.abc"], ["pat.a.b", "pat", "tap.a"]],
  ["*.*", ["pat.a", "x.y"], ["pat.a.b", "pat"]],
  ["pat.*.c", ["pat.b.c", "pat..c"], ["pat.c", "pat.b.b.c"]],
  ["pat.**", ["pat.a", "pat.a.b", "pat.a.b.c"], ["pat", "tap.a"]],
  ["**.end", ["pat.end", "pat.a.end"], ["end", "pat.end.x"]],
  ["pat.**.z", ["pat.a.z", "pat.a.b.z"], ["pat.z", "pat.a.b"]],
  ["pat.a?c", ["pat.abc", "pat.a\u00e9c", "pat.a\u{1F600}c"], ["pat.ac", "pat.abbc"]],
  ["pat.[a-c]x", ["pat.ax", "pat.cx"], ["pat.dx", "pat.x", "pat.-x"]],
  ["pat.[^a-c]x", ["pat.dx", "pat.-x"], ["pat.ax", "pat.x"]],
  ["pat.\\*", ["pat.*"], ["pat.a"]],
  ["pat.a*c*e", ["pat.ace", "pat.abcde", "pat.accee"], ["pat.abcd", "pat.aec"]],
  ["pat.literal", ["pat.literal"], ["pat.Literal", "pat.literal.x", "pat.litera"]],
  ["pat.x**y", ["pat.xy", "pat.xaay"], ["pat.x.y"]],
];
const MALFORMED = ["[", "a.[", "pat.[]", "[]", "\\", "pat.\\", "[a", "pat.[^", "x".repeat(PATTERN_BYTES_MAX + 1)];

t.test("history and every kind of subscriber match patterns alike", async (t) => {
  const topics = [...new Set(PATTERNS.flatMap(([, matching, other]) => [...matching, ...other]))];
  const before = await lastId();
  const subscribers = await Promise.all(
    PATTERNS.map(async ([pattern]) => ({
      socket: await openSocket(t, port, `pattern=${encodeURIComponent(pattern)}`),
      stream: await openStream(t, port, `pattern=${encodeURIComponent(pattern)}`),
    })),
  );
  await publish(topics.map((topic) => ({ topic })));
  for (const [at, [pattern, matching, other]] of PATTERNS.entries()) {
    const found = (await history(`after=${before}&last=1000&topic=${encodeURIComponent(pattern)}`)).map(
      ({ topic }) => topic,
    );
    for (const topic of matching) t.ok(found.includes(topic), `${pattern} matches ${topic}`);
    for (const topic of other) t.notOk(found.includes(topic), `${pattern} does not match ${topic}`);
    for (const subscriber of [subscribers[at]?.socket, subscribers[at]?.stream]) {
      const received = await subscriber?.untilCount(found.length);
      t.same(
        received?.map((item) => ("topic" in item ? item.topic : "")),
        found,
        `subscribers of ${pattern} get the same`,
      );
    }
  }
});

t.test("a malformed pattern is a 400 before any other check", async (t) => {
  for (const pattern of MALFORMED) {
    for (const path of pathsOf(`pattern=${encodeURIComponent(pattern)}`))
      t.equal((await get(path)).status, 400, path.slice(0, 60));
    const refused = await openSocket(t, port, `pattern=${encodeURIComponent(pattern)}`).catch(
      (error: unknown) => error,
    );
    t.ok(refused instanceof UpgradeRefused && refused.status === 400, `an upgrade with ${pattern.slice(0, 20)}`);
  }
  // Both with and without an upgrade.
  const refusals = MALFORMED.length * 2;
  await until("the log has each refusal and its path", async () => {
    await lastId();
    return (koor.log().match(/msg=request .*path=\/api\/events\/subscribe status=400/g)?.length ?? 0) >= refusals;
  });
});

t.test("a request that is no upgrade is a 426 that names the header", async (t) => {
  for (const headers of [
    {},
    { "Sec-WebSocket-Key": "dGhlIHNhbXBsZSBub25jZQ==", "Sec-WebSocket-Version": "13" },
    { Upgrade: "h2c", Connection: "Upgrade", "Sec-WebSocket-Key": "dGhlIHNhbXBsZSBub25jZQ==" },
    { Upgrade: "websocket", Connection: "keep-alive", "Sec-WebSocket-Key": "dGhlIHNhbXBsZSBub25jZQ==" },
  ]) {
    const answer = await get("/api/events/subscribe?pattern=a", headers);
    t.equal(answer.status, 426);
    t.equal(answer.headers.upgrade, "websocket");
    t.match(answer.json<Refusal>(), { error: /Upgrade: websocket/, code: 426 });
  }
  const refused = await openSocket(t, port, "since=x").catch((error: unknown) => error);
  t.match(
    refused instanceof UpgradeRefused ? JSON.parse(refused.body) : refused,
    { error: /^since /, code: 400 },
    "a refused upgrade has the error's shape",
  );
});

t.test("messages of a WebSocket client are ignored, and long ones close the connection", async (t) => {
  const socket = await openSocket(t, port, "pattern=chat");
  socket.socket.send("hello");
  socket.socket.send(Buffer.alloc(100));
  socket.socket.send("x".repeat(SUBSCRIBER_MESSAGE_BYTES_MAX));
  socket.socket.send("");
  const pong = new Promise((resolve) => socket.socket.once("pong", resolve));
  socket.socket.ping("still there?");
  await pong;
  const event = await publishOne("chat");
  t.same(idsOf(await socket.untilCount(1)), [event.id]);
  socket.socket.send("x".repeat(SUBSCRIBER_MESSAGE_BYTES_MAX + 1));
  t.equal(await socket.closed, 1009);
  const polite = await openSocket(t, port);
  polite.socket.close(1000);
  t.equal(await polite.closed, 1000);
});

t.test("subscribers are counted while they are connected", async (t) => {
  await untilAlone();
  const socket = await openSocket(t, port, "pattern=counted");
  const stream = await openStream(t, port, "pattern=counted");
  t.equal(await figure("koor_subscribers"), 2);
  t.equal(await figure("koor_subscriber_patterns"), 1, "both have the same pattern");
  const delivered = await figure("koor_events_delivered_total");
  const event = await publishOne("counted");
  await socket.untilId(event.id);
  await stream.untilId(event.id);
  t.ok((await figure("koor_events_delivered_total")) >= delivered + 2);
  socket.socket.terminate();
  stream.leave();
  await untilAlone();
  t.equal(await figure("koor_subscriber_patterns"), 0);
});

t.test("a replay gives every event after the cursor, then new ones, each once", async (t) => {
  const before = await lastId();
  await publish(Array.from({ length: 300 }, () => ({ topic: "replay.old" })));
  const all = await openSocket(t, port, "since=0");
  t.same(idsOf(await all.untilId(before + 300)), range(1, before + 300), "since=0 gives the whole history");
  const some = await openSocket(t, port, `pattern=replay.*&since=${before + 290}`);
  t.same(idsOf(await some.untilId(before + 300)), range(before + 291, before + 300));
  const future = await openSocket(t, port, `since=${before + 10_000}`);
  const live = await publishOne("replay.live");
  for (const subscriber of [all, some, future]) await subscriber.untilId(live.id);
  t.same(idsOf(some.received()), range(before + 291, live.id));
  t.same(idsOf(future.received()), [live.id], "a cursor beyond the newest replays nothing");
});

t.test(
  "a position ahead of the newest event is reported, and the subscription continues with the newest",
  async (t) => {
    const newestId = await lastId();
    const ahead = newestId + 10_000;
    const lagged = { type: "lagged", last_id: newestId };
    const socket = await openSocket(t, port, `pattern=ahead&notices=1&since=${ahead}`);
    const plain = await openSocket(t, port, `pattern=ahead&since=${ahead}`);
    const stream = await openStream(t, port, "pattern=ahead", { "Last-Event-ID": String(ahead) });
    const exact = await openSocket(t, port, `pattern=ahead&notices=1&since=${newestId}`);
    const startedMs = performance.now();
    const [received] = await history(`after=${ahead}&topic=ahead&wait=30`);
    t.ok(performance.now() - startedMs < 20_000, "at once");
    t.match(received, { id: newestId, topic: "koor.lagged", data: lagged, source: "koor" });
    const waiting = history(`after=${received?.id}&topic=ahead&wait=30`);
    const { id } = await publishOne("ahead");
    t.same(idsOf(await waiting), [id], "a client that continues with its id misses nothing");
    for (const one of [socket, plain, stream, exact]) await one.untilId(id);
    t.same(
      socket.items.slice(0, -1).map((text) => JSON.parse(text) as unknown),
      [lagged],
    );
    t.equal(plain.items.length, 1, "there are no notices without the parameter");
    t.equal(exact.items.length, 1, "the newest id is not ahead");
    t.same(JSON.parse(stream.items[0] ?? ""), lagged);
    t.same(await history(`after=${ahead}`), [], "a read without a wait gives what is there");
  },
);

t.test("replay joins what is being published without a gap or a duplicate", async (t) => {
  const total = 1500;
  const first = await lastId();
  const publishing = Promise.all(
    Array.from({ length: 4 }, async () => {
      for (let at = 0; at < total / 12; at++)
        await publish([{ topic: "join.a" }, { topic: "join.b.c" }, { topic: "other" }]);
    }),
  );
  const followers: { readonly since: number; readonly subscriber: Subscriber }[] = [];
  for (let newest = first; newest < first + total; newest = await lastId()) {
    const since = Math.max(first, newest - 40);
    const subscriber =
      followers.length % 2 === 0
        ? await openSocket(t, port, `pattern=**&since=${since}`)
        : await openStream(t, port, `since=${since}`);
    followers.push({ since, subscriber });
  }
  await publishing;
  const last = (await publishOne("join.end")).id;
  t.ok(followers.length >= 4, `${followers.length} subscribers came while events were published`);
  for (const { since, subscriber } of followers)
    t.same(idsOf(await subscriber.untilId(last)), range(since + 1, last), `since ${since}`);
});

t.test("a long poll continues without a gap or a duplicate", async (t) => {
  const first = await lastId();
  const total = 400;
  const publishing = (async () => {
    for (let at = 0; at < total; at++) await publish([{ topic: "poll.a" }, { topic: "poll.b" }]);
  })();
  const seen: number[] = [];
  for (let cursor = first; seen.length < total; ) {
    const page = idsOf(await history(`after=${cursor}&topic=poll.a&wait=30&last=20`));
    t.ok(page.length > 0, "it answers when there is an event");
    seen.push(...page);
    cursor = page.at(-1) ?? cursor;
  }
  await publishing;
  t.same(
    seen,
    range(first + 1, first + 2 * total).filter((_, at) => at % 2 === 0),
  );
});

t.test("a long poll waits for a matching event, at most for the requested time", async (t) => {
  await untilAlone();
  const cursor = await lastId();
  const patient = get(`${HISTORY}?after=${cursor}&topic=wait.me&wait=60`);
  const other = get(`${HISTORY}?after=${cursor}&topic=wait.other&wait=60`);
  await until("both wait", async () => (await figure("koor_subscribers")) >= 2);
  await publishOne("wait.not");
  const event = await publishOne("wait.me");
  t.same(idsOf((await patient).json<ReceivedEvent[]>()), [event.id]);
  const second = await publishOne("wait.other");
  t.same(idsOf((await other).json<ReceivedEvent[]>()), [second.id]);

  const began = performance.now();
  const nothing = await get(`${HISTORY}?after=${second.id}&wait=1`);
  t.equal(nothing.text, "[]\n");
  t.equal(nothing.status, 200);
  t.ok(performance.now() - began >= 990, "after the whole second");
  t.equal((await get(`${HISTORY}?after=${second.id}&wait=0`)).text, "[]\n", "0 does not wait");
  t.same(
    idsOf(await history(`after=${cursor}&wait=60&topic=wait.me`)),
    [event.id],
    "an existing event is answered at once",
  );

  await untilAlone();
  const next = get(`${HISTORY}?wait=60&topic=wait.next`);
  await until("it waits", async () => (await figure("koor_subscribers")) >= 1);
  const third = await publishOne("wait.next");
  t.same(idsOf((await next).json<ReceivedEvent[]>()), [third.id], "without a cursor it waits for the next event");

  const gone = await openStream(t, port);
  t.equal(await figure("koor_subscribers"), 1, "a wait that was answered has ended");
  gone.leave();
});

t.test("a stream of Server-Sent Events has ids, data, and a position to continue from", async (t) => {
  const cursor = await lastId();
  const stream = await openStream(t, port, "pattern=sse.*");
  t.match(stream.headers, { "content-type": "text/event-stream", "cache-control": "no-store" });
  const events = [await publishOne("sse.a", { text: "line\nline" }), await publishOne("sse.b")];
  await stream.untilCount(2);
  const fields = stream.lines
    .filter((line) => !line.startsWith(":"))
    .join("\n")
    .trim();
  t.match(
    fields,
    new RegExp(`^id: ${events[0]?.id}\ndata: {.*}\n\nid: ${events[1]?.id}\ndata: {.*}$`),
    "an id, one line of data, an empty line",
  );

  const resumed = await openStream(t, port, "pattern=sse.*", { "Last-Event-ID": String(events[0]?.id) });
  t.same(idsOf(await resumed.untilCount(1)), [events[1]?.id], "Last-Event-ID has the meaning of since");
  const header = await openStream(t, port, `pattern=sse.*&since=${cursor}`, { "Last-Event-ID": String(events[1]?.id) });
  const since = await openStream(t, port, `pattern=sse.*&since=${cursor}`);
  t.same(idsOf(await since.untilCount(2)), idsOf(events));
  const last = await publishOne("sse.c");
  t.same(
    idsOf(await header.untilCount(1)),
    [last.id],
    "a client that reconnects keeps its query, so the newer header wins",
  );
  t.same(idsOf(await since.untilCount(3)), [...idsOf(events), last.id]);
});

t.test("a subscriber that does not read loses events, gets a notice, and disturbs no other client", async (t) => {
  const data = "x".repeat(100_000);
  const slow = await openSocket(t, port, "pattern=flood&notices=1");
  const silent = await openSocket(t, port, "pattern=flood");
  const slowStream = await openSocket(t, port, "pattern=flo?d&notices=1");
  const healthy = await openSocket(t, port, "pattern=flood&notices=1");
  const droppedBefore = await figure("koor_events_dropped_total");
  for (const { socket } of [slow, silent, slowStream]) socket.pause();
  const first = await lastId();
  for (let round = 0; round < 15; round++) {
    await publish(Array.from({ length: 20 }, () => ({ topic: "flood", data })));
    await healthy.untilId(first + (round + 1) * 20);
  }
  const flooded = first + 300;
  t.same(idsOf(healthy.received()), range(first + 1, flooded), "the healthy subscriber has everything");
  t.ok((await figure("koor_events_dropped_total")) > droppedBefore, "events were dropped");
  for (const { socket } of [slow, silent, slowStream]) socket.resume();
  // Events that are published once a subscriber reads again come after those that were kept for it.
  await until("the slow ones have caught up", async () => {
    const event = await publishOne("flood", "end");
    await healthy.untilId(event.id);
    return [slow, silent, slowStream].every(({ items }) => items.at(-1)?.includes('"data":"end"') === true);
  });
  const last = (await publishOne("flood", "last")).id;
  let dropped = 0;
  for (const subscriber of [slow, slowStream]) {
    const received = await subscriber.untilId(last);
    let at = first;
    let gaps = 0;
    for (const item of received) {
      if ("id" in item) {
        t.ok(item.id === at + 1, "in order, nothing is missing without a notice");
        at = item.id;
      } else {
        t.same(Object.keys(item), ["type", "count", "after_id"]);
        t.equal(item.type, "dropped");
        t.equal(item.after_id, at, "a notice names the event before it");
        t.ok(item.count >= 1);
        at += item.count;
        dropped += item.count;
        gaps += 1;
      }
    }
    t.equal(at, last, "notices and events add up");
    t.ok(gaps >= 1, "there were gaps");
    const held = idsOf(received).filter((id) => id <= flooded).length;
    t.ok(held >= SUBSCRIBER_BUFFER_EVENTS_MAX, "it got at least what the buffer holds");
  }
  const quiet = await silent.untilId(last);
  t.ok(
    quiet.every((item) => "id" in item),
    "a subscriber without the parameter gets no notice",
  );
  const ids = idsOf(quiet);
  t.ok(
    ids.every((id, at) => at === 0 || id > (ids[at - 1] ?? 0)),
    "it keeps the order",
  );
  dropped += last - first - ids.length;
  t.equal((await figure("koor_events_dropped_total")) - droppedBefore, dropped, "every dropped event is counted");
  const received = (): number =>
    koor.log().match(/level=DEBUG msg="event dropped for a slow subscriber" id=\d+ pattern=(flood|"flo\?d")$/gm)
      ?.length ?? 0;
  await until("each is in the log", async () => {
    await lastId();
    return received() === dropped;
  });
});

t.test("ids are never used again, and every subscriber is closed when the server ends", async (t) => {
  const one = await startKoor(t);
  const ids = [(await publishOne("a", null, one)).id, (await publishOne("a", null, one)).id];
  const socket = await openSocket(t, one.port);
  const stream = await openStream(t, one.port);
  const poll = send(one.port, "GET", `${HISTORY}?after=2&wait=60`);
  await until(
    "all three are there",
    async () =>
      parseExposition((await send(one.port, "GET", "/metrics")).text).get("koor_subscribers")?.samples[0]?.value === 3,
  );
  const code = one.stop();
  t.equal(await socket.closed, 1001, "the close code means going away");
  await stream.ended;
  t.equal((await poll).text, "[]\n");
  t.equal(await code, 0);

  const two = await startKoor(t, { data_dir: one.data_dir });
  ids.push((await publishOne("a", null, two)).id);
  await two.stop("SIGKILL");
  const three = await startKoor(t, { data_dir: one.data_dir });
  ids.push((await publishOne("a", null, three)).id);
  t.same(ids, [1, 2, 3, 4], "ids do not repeat after an orderly end or a crash");
  t.same(
    idsOf((await send(three.port, "GET", `${HISTORY}?after=0`)).json<ReceivedEvent[]>()),
    ids,
    "what was published is there",
  );
});
