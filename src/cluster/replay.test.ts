/**
 * Tests that every method of the writer is deterministic. The test generates calls from the schemas of the requests,
 * and encodes them as entries. Two nodes apply the entries in transactions of different sizes. They also differ in
 * their clocks and their random numbers, and one of them is restarted in between. Both nodes must have the same rows
 * and answers in the end. If they differ, the failure message names the method.
 */
import * as fc from "fast-check";
import t from "tap";
import {
  BY_NAME,
  elsewhere,
  generateBatches,
  prologueOf,
  ROWS,
  SETTINGS,
  START_MS,
  type Batches,
  type Call,
} from "../../test/support/generated-calls.js";
import { countRounds } from "../../test/support/test-size.js";
import { makeDirectory, type Owner } from "../../test/support/server-process.js";
import { auditTrail } from "../features/audit/table.js";
import { must } from "../base/assert.js";
import { Failure } from "../base/result.js";
import { SharedCounter } from "../base/shared-counter.js";
import { METHODS } from "../methods.js";
import type { MethodTable } from "../platform/rpc/method.js";
import type { RpcServer } from "../platform/rpc/server.js";
import { openWriter, type Db } from "../platform/store/open.js";
import { Entries, type Answers, type BatchEntry } from "../platform/threads/entries.js";
import { Models } from "../platform/threads/model.js";
import { Transaction } from "../platform/threads/transaction.js";
import { WatchedKinds } from "../platform/threads/watched-kinds.js";
import type { WriterMethod } from "../platform/threads/writer-method.js";
import { decodeEntry, encodeEntry } from "./entry.js";

const TABLE = METHODS as unknown as MethodTable<WriterMethod>;
const HEAD = { applyVersion: 1, node: "a", epoch: 1, position: 0, stateHash: "", wallMs: 0 };
const SILENT = { depth: 0, push: () => undefined, flush: () => undefined } as unknown as RpcServer<WriterMethod>;

/** Encodes a batch of calls as an entry. */
function entryOf(calls: readonly Call[], at: number, number: number): Uint8Array {
  const content = {
    kind: "calls" as const,
    term: 1,
    calls: calls.map(({ name, request, actor }) => ({
      method: must(BY_NAME.get(name), name),
      request,
      actor,
      trace: "",
    })),
  };
  return encodeEntry({ head: { ...HEAD, at, number }, content }, METHODS);
}

/** A fake node, which applies entries but has no log. */
class Node {
  readonly answers: Answers[] = [];
  readonly #dataDir: string;
  #db: Db;
  #entries: Entries<BatchEntry>;

  constructor(t: Owner) {
    this.#dataDir = makeDirectory(t);
    this.#db = openWriter(this.#dataDir);
    this.#entries = this.#open();
  }

  apply(group: readonly Uint8Array[]): void {
    this.#entries.apply(
      group.map((bytes) => {
        const { head, content } = decodeEntry(bytes, TABLE, HEAD.applyVersion);
        const calls = content.kind === "calls" ? content.calls : [];
        return { nowMs: head.at, calls, refusals: new Map(), callers: null };
      }),
    );
  }

  restart(): void {
    this.#db.close();
    this.#db = openWriter(this.#dataDir);
    this.#entries = this.#open();
  }

  /** Closes the node. Returns all of its rows, by table. */
  close(): ReadonlyMap<string, unknown[]> {
    const tables = this.#db
      .prepare<[], string>("SELECT name FROM sqlite_schema WHERE type = 'table' ORDER BY name")
      .pluck()
      .all();
    const content = new Map(tables.map((name) => [name, this.#db.prepare(`SELECT * FROM ${name}`).raw().all()]));
    this.#db.close();
    return content;
  }

  #open(): Entries<BatchEntry> {
    const transaction = new Transaction({
      db: this.#db,
      models: new Models(this.#db, SETTINGS),
      methods: ROWS,
      audit: auditTrail,
      watched: new WatchedKinds(),
      remoteWrites: new SharedCounter(),
    });
    return new Entries<BatchEntry>(transaction, SILENT, {
      seal: (_entries, answers) => void this.#sealed.push(...answers),
      committed: () => void this.answers.push(...this.#sealed.splice(0)),
    });
  }

  readonly #sealed: Answers[] = [];
}

/** Returns the entries of the batches, in order. */
function entriesOf(all: Batches, prologue: readonly Call[]): Uint8Array[] {
  let nowMs = START_MS;
  const entries = prologue.length === 0 ? [] : [entryOf(prologue, nowMs, 1)];
  for (const { calls, afterMs } of all) {
    nowMs = Math.max(nowMs, nowMs + afterMs);
    entries.push(entryOf(calls, nowMs, entries.length + 1));
  }
  return entries;
}

function apply(t: Owner, entries: readonly Uint8Array[], together: number, restarts: boolean): Node {
  const node = new Node(t);
  for (let at = 0; at < entries.length; at += together) {
    if (restarts && at >= entries.length / 2 && at - together < entries.length / 2) node.restart();
    node.apply(entries.slice(at, at + together));
  }
  return node;
}

function shown(answer: unknown): string {
  return answer instanceof Failure
    ? `${answer.status} ${answer.message} ${JSON.stringify(answer.members)}`
    : JSON.stringify(answer);
}

t.test("the result of calls does not depend on the node, the time and the batch", (t) => {
  const prologues = fc.constantFrom([], prologueOf("ask"), prologueOf("fail"));
  const attempts = fc.property(
    generateBatches(),
    prologues,
    fc.integer({ min: 2, max: 9 }),
    (all, prologue, together) => {
      const entries = entriesOf(all, prologue);
      const here = apply(t, entries, 1, false);
      const there = elsewhere(() => apply(t, entries, together, true));
      const names = [...(prologue.length === 0 ? [] : [prologue]), ...all.map(({ calls }) => calls)];
      for (const [at, calls] of names.entries())
        for (const [index, { name }] of calls.entries()) {
          const [one, other] = [shown(here.answers[at]?.[index]), shown(there.answers[at]?.[index])];
          if (one !== other) throw new Error(`${name} answers ${one} on one node, and ${other} on another`);
        }
      const rows = there.close();
      for (const [table, content] of here.close()) t.strictSame(rows.get(table), content, `the rows of ${table}`);
      return t.passing();
    },
  );
  fc.assert(attempts, { numRuns: countRounds(15, 300), endOnFailure: true });
  t.end();
});
