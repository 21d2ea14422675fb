/**
 * Tests the applier: refusing calls that only the leader may make, applying bundles, committing before reporting, and
 * calling the poison guard.
 */
import t from "tap";
import { addLine, contentOf, leadLine, openFakeDb, FAKE_METHODS, trail } from "../../test/cluster/fake-methods.js";
import { must } from "../base/assert.js";
import type { Failure } from "../base/result.js";
import { SharedCounter } from "../base/shared-counter.js";
import type { RpcServer, ServerCall } from "../platform/rpc/server.js";
import type { Db } from "../platform/store/open.js";
import { sqliteError } from "../platform/store/sqlite/codes.js";
import { Entries } from "../platform/threads/entries.js";
import { Models } from "../platform/threads/model.js";
import { Transaction } from "../platform/threads/transaction.js";
import { WatchedKinds } from "../platform/threads/watched-kinds.js";
import type { WriterMethod } from "../platform/threads/writer-method.js";
import { Applier, NOT_LEADING, type ApplierOptions, type LogItem } from "./applier.js";
import { encodeBundle } from "./bundle.js";
import { encodeEntry, type EntryContent } from "./entry.js";
import { initialMembership } from "./membership.js";
import type { Proposal } from "./proposals.js";
import { ClusterWriter } from "./table.js";

const SETTINGS = { state_history: 0, state_events: false, event_history: 0 };
const NO_POISON = { haltReason: () => null, begin: () => 64, cleared: (): void => undefined };

const JOIN = { kind: "hello", store: "", replaces: 0, version: "1", settings: "" } as const;

/** Returns an entry with two calls. Only a leader may make the first call. */
function lead(name: string, term: number): EntryContent {
  const calls = [leadLine, addLine].map((method) => ({
    method: method as unknown as WriterMethod,
    actor: "",
    trace: "",
    request: { name: `${name} by ${method.name}` },
  }));
  return { kind: "calls", term, calls };
}

/** A log: the nodes a and b join, then a becomes the leader, and later b. */
const LOG: readonly (readonly [node: string, number: number, content: EntryContent])[] = [
  ["a", 0, { ...JOIN, run: "a" }],
  ["b", 0, { ...JOIN, run: "b" }],
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
  readonly applier: Applier;
  /** The answers to the callers of this node. */
  readonly answers: readonly unknown[];
}

type Given = Partial<Pick<ApplierOptions, "poisonGuard" | "table" | "beforeCommit" | "committed">>;

function sceneOf(given: Given = {}): Scene {
  const db = openFakeDb();
  const answers: unknown[] = [];
  const server = {
    depth: 0,
    push: () => undefined,
    reply: (_call: ServerCall, reply: unknown) => void answers.push(reply),
    fail: (_call: ServerCall, failure: Failure) => void answers.push(failure),
    flush: () => undefined,
  } as unknown as RpcServer<WriterMethod>;
  const transaction = new Transaction({
    db,
    models: new Models(db, SETTINGS),
    methods: FAKE_METHODS.rows,
    audit: trail,
    watched: new WatchedKinds(),
    remoteWrites: new SharedCounter(),
  });
  const applier = new Applier({
    state: {
      position: { generation: "g", id: 0, entryHash: "", stateHash: "" },
      membership: initialMembership(0, 1, ""),
    },
    applyVersion: 1,
    table: new ClusterWriter(db),
    poisonGuard: NO_POISON,
    methods: FAKE_METHODS,
    entriesOf: (account) => new Entries<LogItem>(transaction, server, account),
    elapsed: () => 0,
    beforeCommit: () => undefined,
    committed: () => undefined,
    ...given,
  });
  return { db, applier, answers };
}

function bytesOf(at: number): Uint8Array {
  const [node, number, content] = must(LOG[at], "an entry of the log");
  const epoch = node === "a" ? 1 : 2;
  return encodeEntry(
    { head: { applyVersion: 1, node, epoch, number, at: at + 1, position: 0, stateHash: "", wallMs: 0 }, content },
    FAKE_METHODS,
  );
}

/** Applies the log on the given node. Each call of `applyNext` finds `together` messages. */
function apply(node: string, together: number): { readonly lines: string; readonly answers: readonly unknown[] } {
  const { db, applier, answers } = sceneOf();
  let own: Proposal | null = null;
  for (const at of LOG.keys()) {
    const [from, number] = must(LOG[at], "an entry of the log");
    if (from === node) own = proposalOf(node, number);
    applier.receive(at + 1, bytesOf(at));
    if ((at + 1) % together === 0) applier.applyNext(own);
  }
  while (applier.hasPending) applier.applyNext(own);
  const lines = contentOf(db, ["line"]);
  db.close();
  return { lines, answers };
}

/** Returns the node's entry in flight. An entry of calls has two callers. */
function proposalOf(node: string, number: number): Proposal {
  const calls = number < 2 ? null : ([{ id: number }, { id: number }] as ServerCall<WriterMethod>[]);
  return { node, epoch: node === "a" ? 1 : 2, number, calls, since: 0 };
}

t.test("a call that only the leader may make is refused in an entry of an old term, on every node", (t) => {
  const alone = apply("c", 1);
  const names = [...alone.lines.matchAll(/"([^"]*) by line\.lead"/g)].map(([, name]) => name);
  t.same(names, ["who leads", "who leads since"]);
  t.equal(alone.lines.match(/by line\.add/g)?.length, 7, "what anybody may call is carried out beside it");
  for (const node of ["a", "b", "c"])
    for (const together of [1, 2, LOG.length]) t.equal(apply(node, together).lines, alone.lines, node);
  t.end();
});

t.test("its caller gets the refusal", (t) => {
  t.same(apply("a", 1).answers, [1, 2, NOT_LEADING, 5, NOT_LEADING, 6]);
  t.end();
});

t.test("a bundle is applied as one, whichever of its entries are accepted", (t) => {
  const entry = (node: string, number: number, term: number): Uint8Array => {
    const head = { applyVersion: 1, node, epoch: node === "a" ? 1 : 2, number, at: 50 + number, position: 0 };
    return encodeEntry(
      { head: { ...head, stateHash: "", wallMs: 0 }, content: lead(`${node}${number}`, term) },
      FAKE_METHODS,
    );
  };
  // A bundle with entries of b, c, b and a. The first entry of b is a second copy, b has just become the leader, and c
  // has never joined.
  const bundle = encodeBundle([entry("b", 4, 2), entry("c", 1, 2), entry("b", 6, 2), entry("a", 5, 2)], 1);
  const played = (node: string, most: number): readonly [string, readonly unknown[], readonly unknown[]] => {
    const observed: unknown[] = [];
    const { db, applier, answers } = sceneOf({
      poisonGuard: { ...NO_POISON, begin: () => most },
    });
    for (const at of LOG.keys()) applier.receive(at + 1, bytesOf(at));
    applier.receive(LOG.length + 1, bundle);
    applier.receive(LOG.length + 2, entry("b", 6, 2));
    while (applier.hasPending) {
      const { entries } = applier.applyNext(proposalOf(node, 5));
      for (const {
        id,
        entry: { head },
        rejected,
      } of entries)
        observed.push([id, head.node, head.number, rejected]);
    }
    const content = contentOf(db);
    db.close();
    return [content, answers.slice(-2), observed.slice(LOG.length)];
  };
  const [content, answers, observed] = played("a", 1);
  t.same(observed, [
    [12, "b", 4, "old"],
    [12, "c", 1, "old"],
    [12, "b", 6, null],
    [12, "a", 5, null],
    [13, "b", 6, "old"],
  ]);
  t.same(answers, [NOT_LEADING, 12], "a is answered, behind the two calls of b");
  t.match(content, /"b6 by line\.lead",56/, "all at the time of the last that counts");
  for (const most of [1, 64])
    for (const node of ["b", "c"]) t.equal(played(node, most)[0], content, `${node}, ${most} at a time`);
  t.end();
});

t.test("the new position is reported inside the transaction, before a reader can see it", (t) => {
  const said: string[] = [];
  const { db, applier } = sceneOf({
    beforeCommit: (id) => void said.push(`${id} ${db.inTransaction ? "is stored" : "can be read"}`),
    committed: () => void said.push(`${applier.state.position.id} can be read: ${!db.inTransaction}`),
  });
  t.teardown(() => void db.close());
  for (const at of LOG.keys()) applier.receive(at + 1, bytesOf(at));
  while (applier.hasPending) applier.applyNext(null);
  t.same(said, [`${LOG.length} is stored`, `${LOG.length} can be read: true`]);
  t.end();
});

t.test("the poison guard is called before and after each batch", (t) => {
  const said: string[] = [];
  const poisonGuard = {
    haltReason: (entry: number) => (entry === 6 ? "it has ended the program" : null),
    begin: (first: number, through: number) => {
      said.push(`${first} to ${through}`);
      return 2;
    },
    cleared: (follows: boolean) => void said.push(follows ? "and on" : "at rest"),
  };
  let full = false;
  const keep: ClusterWriter["keep"] = () => {
    if (full) throw sqliteError("full", "SQLITE_FULL");
  };
  const { db, applier } = sceneOf({ poisonGuard, table: { keep } });
  t.teardown(() => void db.close());
  const hear = (): string[] => said.splice(0);
  for (const at of [0, 1, 2]) applier.receive(at + 1, bytesOf(at));
  applier.applyNext(null);
  t.same(hear(), ["1 to 3", "and on"], "the next begins at once");
  applier.applyNext(null);
  t.same(hear(), ["3 to 3", "at rest"]);
  t.equal(applier.applyNext(null).stop, null);
  t.same(hear(), [], "nothing has come");
  for (const at of [3, 4, 5]) applier.receive(at + 1, bytesOf(at));
  full = true;
  t.match(applier.applyNext(null).stop, { kind: "not_stored" });
  t.same(hear(), ["4 to 6", "at rest"], "who ends the program now does not end it by the entry");
  full = false;
  applier.applyNext(null);
  t.same(hear(), ["4 to 6", "and on"]);
  t.same(applier.applyNext(null).stop, { kind: "poison", why: "it has ended the program" });
  t.same(hear(), [], "the answers stay");
  applier.clear();
  applier.receive(7, new Uint8Array(1));
  t.match(applier.applyNext(null).stop, { kind: "unreadable" });
  t.same(hear(), ["7 to 7", "at rest"]);
  t.end();
});
