import t from "tap";
import { ENTRY_LINGER_MS_MAX } from "../../schemas/limits/cluster.js";
import type { ServerCall } from "../platform/rpc/server.js";
import type { WriterMethod } from "../platform/threads/writer-method.js";
import type { EntryHead } from "./entry.js";
import { Proposals, type Proposal } from "./proposals.js";

function callsOf(...ids: number[]): ServerCall<WriterMethod>[] {
  return ids.map((id) => ({ id, weight: 100 }) as ServerCall<WriterMethod>);
}

function idsOf(calls: readonly ServerCall<WriterMethod>[] | null): number[] | null {
  return calls?.map(({ id }) => id) ?? null;
}

function headOf({ epoch, number }: Proposal, node = "a"): EntryHead {
  return { applyVersion: 1, node, epoch, number, at: 0, position: 0, stateHash: "", wallMs: 0 };
}

/** Proposes an entry with `calls` calls at the time `from`. The log delivers it at the time `until`. */
function round(proposals: Proposals, calls: number, from: number, until: number, behind = 0): void {
  proposals.wait(callsOf(...Array.from({ length: calls }, (_none, at) => at)));
  proposals.end(proposals.begin(proposals.take(), from), until, behind);
}

t.test("a single caller never lingers", (t) => {
  const proposals = new Proposals("a");
  t.equal(proposals.lingerMs(0), 0, "where nobody calls nobody waits");
  for (let at = 0; at < 3; at++) {
    proposals.wait(callsOf(at));
    t.equal(proposals.lingerMs(at * 10), 0);
    proposals.end(proposals.begin(proposals.take(), at * 10), at * 10 + 4, 0);
  }
  t.end();
});

t.test("an entry lingers for the callers that were just answered, at most as long as the last one took", (t) => {
  const proposals = new Proposals("a");
  round(proposals, 3, 100, 104, 2);
  proposals.wait(callsOf(1, 2));
  t.equal(proposals.lingerMs(104), 4, "three were answered, and two had come");
  t.equal(proposals.lingerMs(107.5), 0.5);
  t.equal(proposals.lingerMs(108), 0, "that is over");
  proposals.wait(callsOf(3, 4, 5));
  t.equal(proposals.lingerMs(105), 0, "all are there");
  t.same(idsOf(proposals.take()), [1, 2, 3, 4, 5], "and share an entry");
  t.equal(proposals.take(), null);
  t.end();
});

t.test("fewer calls are expected after they did not come", (t) => {
  const proposals = new Proposals("a");
  round(proposals, 8, 0, 50);
  proposals.wait(callsOf(1));
  t.equal(proposals.lingerMs(50), ENTRY_LINGER_MS_MAX, "a slow log is no reason to wait for long");
  proposals.end(proposals.begin(proposals.take(), 60), 65, 0);
  proposals.wait(callsOf(2));
  t.equal(proposals.lingerMs(65), 0);
  t.end();
});

t.test("a heartbeat does not change the expected calls", (t) => {
  const proposals = new Proposals("a");
  round(proposals, 2, 0, 4);
  proposals.end(proposals.begin(null, 4), 5, 0);
  proposals.wait(callsOf(1));
  t.equal(proposals.lingerMs(5), 3);
  t.end();
});

t.test("the entry in flight is recognized by its head, once", (t) => {
  const proposals = new Proposals("a");
  t.equal(proposals.epoch, 0);
  t.same(proposals.rejoin(7), []);
  const first = proposals.begin(callsOf(1), 0);
  t.match(first, { epoch: 7, number: 1 });
  t.ok(proposals.isInFlight(headOf(first)));
  t.notOk(proposals.isInFlight(headOf(first, "b")), "another node's");
  t.notOk(proposals.isInFlight({ ...headOf(first), number: 2 }));
  t.notOk(proposals.isInFlight({ ...headOf(first), epoch: 6 }));
  t.throws(() => proposals.begin(null, 0), /one entry/);
  proposals.end(first, 1, 0);
  t.equal(proposals.inFlight, null);
  t.notOk(proposals.isInFlight(headOf(first)), "the log has it twice");
  t.equal(proposals.begin(null, 1).number, 2);
  t.end();
});

t.test("an entry that the log rejects leaves its number free", (t) => {
  const proposals = new Proposals("a");
  proposals.rejoin(7);
  const full = proposals.begin(callsOf(1, 2), 0);
  t.same(idsOf(proposals.takeBack(full, false)), [1, 2], "nobody tries them again");
  const large = proposals.begin(callsOf(3, 4), 0);
  t.equal(large.number, 1);
  proposals.wait(callsOf(5));
  t.same(proposals.takeBack(large, true), [], "each is tried alone");
  t.equal(proposals.lingerMs(0), 0);
  t.same([idsOf(proposals.take()), idsOf(proposals.take()), idsOf(proposals.take())], [[3], [4], [5]]);
  const alone = proposals.begin(callsOf(3), 0);
  t.same(idsOf(proposals.takeBack(alone, true)), [3], "and then it is known to be too large");
  t.same(proposals.takeBack(proposals.begin(null, 0), false), [], "a beat");
  t.end();
});

t.test("an entry in flight survives its session until the next join request has come back", (t) => {
  const proposals = new Proposals("a");
  proposals.rejoin(7);
  const proposal = proposals.begin(callsOf(1), 0);
  proposals.detach();
  t.equal(proposals.epoch, 0);
  t.ok(proposals.isInFlight(headOf(proposal)), "it may come before the hello");
  t.same(idsOf(proposals.rejoin(9)), [1], "it never will");
  t.equal(proposals.inFlight, null);
  proposals.begin(callsOf(2), 0);
  proposals.dropInFlight();
  t.same(proposals.rejoin(11), [], "nobody knows");
  proposals.wait(callsOf(3, 4));
  t.same(idsOf(proposals.takeAll()), [3, 4]);
  t.equal(proposals.take(), null);
  t.end();
});
