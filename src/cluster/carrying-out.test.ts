/** How a node carries entries out: calls that only who leads may make, and what is told to who watches over it. */
import t from "tap";
import { addLine, contentOf, leadLine, openToy, TOY, trail } from "../../test/cluster/toy.js";
import { must } from "../base/assert.js";
import type { Failure } from "../base/result.js";
import type { RpcServer, ServerCall } from "../rpc/server.js";
import type { Db } from "../store/open.js";
import { sqliteError } from "../store/sqlite/codes.js";
import { Entries } from "../threads/entries.js";
import { RemoteWriteCounter } from "../threads/remote-write-counter.js";
import { Models } from "../threads/model.js";
import { Transaction } from "../threads/transaction.js";
import { WatchedKinds } from "../threads/watched-kinds.js";
import type { WriterMethod } from "../threads/writer-method.js";
import { CarryingOut, NOT_LEADING, type CarryingOutOptions, type LogItem } from "./carrying-out.js";
import { encodeBundle } from "./bundle.js";
import { encodeEntry, type EntryContent } from "./entry.js";
import { foundedAt } from "./membership.js";
import { ClusterWriter } from "./table.js";

const SETTINGS = { state_history: 0, state_events: false, event_history: 0 };
const NOTHING_SUSPECT = { verdict: () => null, begin: () => 64, outlived: (): void => undefined };

const HELLO = { kind: "hello", store: "", replaces: 0, version: "1", settings: "" } as const;

/** Calls of which only who leads may make the first. */
function lead(name: string, term: number): EntryContent {
  const calls = [leadLine, addLine].map((method) => ({
    method: method as unknown as WriterMethod,
    actor: "",
    trace: "",
    request: { name: `${name} by ${method.name}` },
  }));
  return { kind: "calls", term, calls };
}

/** Nodes a and b say hello, then a leads, and later b. */
const LOG: readonly (readonly [node: string, number: number, content: EntryContent])[] = [
  ["a", 0, { ...HELLO, run: "a" }],
  ["b", 0, { ...HELLO, run: "b" }],
  ["a", 1, { kind: "candidacy", term: 0 }],
  ["a", 2, lead("who leads", 1)],
  ["b", 1, lead("who does not", 0)],
  ["b", 2, lead("who says the term of another", 1)],
  ["b", 3, { kind: "candidacy", term: 1 }],
  ["a", 3, lead("who has led until then", 1)],
  ["a", 4, lead("who says the term of whom it has heard of", 2)],
  ["b", 4, lead("who leads since, in a term of before", 1)],
  ["b", 5, lead("who leads since", 2)],
];

interface Scene {
  readonly db: Db;
  readonly carrying_out: CarryingOut;
  /** What those are told who have called this node. */
  readonly told: readonly unknown[];
}

type Given = Partial<Pick<CarryingOutOptions, "suspect" | "table" | "beforeCommit" | "onCommitted" | "observe">>;

function sceneOf(node: string, given: Given = {}): Scene {
  const db = openToy();
  const told: unknown[] = [];
  const server = {
    depth: 0,
    push: () => undefined,
    reply: (_call: ServerCall, reply: unknown) => void told.push(reply),
    fail: (_call: ServerCall, failure: Failure) => void told.push(failure),
    flush: () => undefined,
  } as unknown as RpcServer<WriterMethod>;
  const transaction = new Transaction({
    db,
    models: new Models(db, SETTINGS),
    methods: TOY.rows,
    audit: trail,
    watched: new WatchedKinds(),
    replicated: true,
  });
  const carrying_out = new CarryingOut({
    state: { position: { generation: "g", id: 0, entry: "", outcome: "" }, membership: foundedAt(0, 1, "") },
    commands: 1,
    table: new ClusterWriter(db),
    suspect: NOTHING_SUSPECT,
    methods: TOY,
    entriesOf: (account) => new Entries<LogItem>(transaction, new RemoteWriteCounter(), server, account),
    elapsed: () => 0,
    callersOf: (head) => (head.node === node ? callersOf(head.number) : null),
    onOutcome: () => undefined,
    beforeCommit: () => undefined,
    onCommitted: () => undefined,
    observe: () => undefined,
    ...given,
  });
  return { db, carrying_out, told };
}

function bytesOf(at: number): Uint8Array {
  const [node, number, content] = must(LOG[at], "an entry of the log");
  const incarnation = node === "a" ? 1 : 2;
  return encodeEntry(
    { head: { commands: 1, node, incarnation, number, at: at + 1, position: 0, outcome: "", wall_ms: 0 }, content },
    TOY,
  );
}

/** What a node comes to that carries the log out, so many entries together. */
function carryOut(node: string, together: number): { readonly lines: string; readonly told: readonly unknown[] } {
  const { db, carrying_out, told } = sceneOf(node);
  for (const at of LOG.keys()) {
    carrying_out.receive(at + 1, bytesOf(at));
    if ((at + 1) % together === 0) carrying_out.next();
  }
  while (carrying_out.waits) carrying_out.next();
  const lines = contentOf(db, ["line"]);
  db.close();
  return { lines, told };
}

/** Two callers, where the entry of node a is one of calls. */
function callersOf(number: number): readonly ServerCall<WriterMethod>[] | null {
  return number < 2 ? null : ([{ id: number }, { id: number }] as ServerCall<WriterMethod>[]);
}

t.test("what only who leads may call is refused in entries of an old term, on every node", (t) => {
  const alone = carryOut("c", 1);
  const names = [...alone.lines.matchAll(/"([^"]*) by line\.lead"/g)].map(([, name]) => name);
  t.same(names, ["who leads", "who leads since"]);
  t.equal(alone.lines.match(/by line\.add/g)?.length, 7, "what anybody may call is carried out beside it");
  for (const node of ["a", "b", "c"])
    for (const together of [1, 2, LOG.length]) t.equal(carryOut(node, together).lines, alone.lines, node);
  t.end();
});

t.test("and who called is told so", (t) => {
  t.same(carryOut("a", 1).told, [1, 2, NOT_LEADING, 5, NOT_LEADING, 6]);
  t.end();
});

t.test("a bundle is carried out as one, whichever of its entries count", (t) => {
  const entry = (node: string, number: number, term: number): Uint8Array => {
    const head = { commands: 1, node, incarnation: node === "a" ? 1 : 2, number, at: 50 + number, position: 0 };
    return encodeEntry({ head: { ...head, outcome: "", wall_ms: 0 }, content: lead(`${node}${number}`, term) }, TOY);
  };
  // b's first is in the log already, b leads since the entry before, and c was never let in.
  const bundle = encodeBundle([entry("b", 4, 2), entry("c", 1, 2), entry("b", 6, 2), entry("a", 5, 2)]);
  const played = (node: string, most: number): readonly [string, readonly unknown[], readonly unknown[]] => {
    const observed: unknown[] = [];
    const { db, carrying_out, told } = sceneOf(node, {
      suspect: { ...NOTHING_SUSPECT, begin: () => most },
      observe: ({ id, entry: { head }, refused }) => void observed.push([id, head.node, head.number, refused]),
    });
    for (const at of LOG.keys()) carrying_out.receive(at + 1, bytesOf(at));
    carrying_out.receive(LOG.length + 1, bundle);
    carrying_out.receive(LOG.length + 2, entry("b", 6, 2));
    while (carrying_out.waits) carrying_out.next();
    const content = contentOf(db);
    db.close();
    return [content, told.slice(-2), observed.slice(LOG.length)];
  };
  const [content, told, observed] = played("a", 1);
  t.same(observed, [
    [12, "b", 4, "old"],
    [12, "c", 1, "old"],
    [12, "b", 6, null],
    [12, "a", 5, null],
    [13, "b", 6, "old"],
  ]);
  t.same(told, [NOT_LEADING, 12], "a is answered, behind the two calls of b");
  t.match(content, /"b6 by line\.lead",56/, "all at the time of the last that counts");
  for (const most of [1, 64])
    for (const node of ["b", "c"]) t.equal(played(node, most)[0], content, `${node}, ${most} at a time`);
  t.end();
});

t.test("how far it is about to come is said before anybody can read it", (t) => {
  const said: string[] = [];
  const { db, carrying_out } = sceneOf("c", {
    beforeCommit: (id) => void said.push(`${id} ${db.inTransaction ? "is stored" : "can be read"}`),
    onCommitted: () => void said.push(`${carrying_out.state.position.id} can be read: ${!db.inTransaction}`),
  });
  t.teardown(() => void db.close());
  for (const at of LOG.keys()) carrying_out.receive(at + 1, bytesOf(at));
  while (carrying_out.waits) carrying_out.next();
  t.same(said, [`${LOG.length} is stored`, `${LOG.length} can be read: true`]);
  t.end();
});

t.test("whoever watches for what ends the program hears what it has outlived", (t) => {
  const said: string[] = [];
  const suspect = {
    verdict: (entry: number) => (entry === 6 ? "it has ended the program" : null),
    begin: (first: number, through: number) => {
      said.push(`${first} to ${through}`);
      return 2;
    },
    outlived: (follows: boolean) => void said.push(follows ? "and on" : "at rest"),
  };
  let full = false;
  const keep: ClusterWriter["keep"] = () => {
    if (full) throw sqliteError("full", "SQLITE_FULL");
  };
  const { db, carrying_out } = sceneOf("c", { suspect, table: { keep } });
  t.teardown(() => void db.close());
  const hear = (): string[] => said.splice(0);
  for (const at of [0, 1, 2]) carrying_out.receive(at + 1, bytesOf(at));
  carrying_out.next();
  t.same(hear(), ["1 to 3", "and on"], "the next begins at once");
  carrying_out.next();
  t.same(hear(), ["3 to 3", "at rest"]);
  t.equal(carrying_out.next(), null);
  t.same(hear(), [], "nothing has come");
  for (const at of [3, 4, 5]) carrying_out.receive(at + 1, bytesOf(at));
  full = true;
  t.match(carrying_out.next(), { kind: "not_stored" });
  t.same(hear(), ["4 to 6", "at rest"], "who ends the program now does not end it by the entry");
  full = false;
  carrying_out.next();
  t.same(hear(), ["4 to 6", "and on"]);
  t.same(carrying_out.next(), { kind: "deadly", why: "it has ended the program" });
  t.same(hear(), [], "what it was told stays so");
  carrying_out.clear();
  carrying_out.receive(7, new Uint8Array(1));
  t.match(carrying_out.next(), { kind: "unreadable" });
  t.same(hear(), ["7 to 7", "at rest"]);
  t.end();
});
