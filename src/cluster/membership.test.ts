/**
 * Tests which entries the membership accepts, and which node becomes the leader. simulation.test.ts tests the other
 * behaviour of the membership.
 */
import t from "tap";
import { NODE_FORGOTTEN_MS, NODE_SILENCE_MS } from "../../schemas/limits/cluster.js";
import { must } from "../base/assert.js";
import type { Entry, EntryContent, EntryHead, JoinRequest } from "./entry.js";
import { initialMembership, advance, type Membership, type RejectReason } from "./membership.js";

const START_MS = 1_770_595_200_000;

/** Applies entries one after the other, each with its id. */
class Log {
  membership: Membership = initialMembership(START_MS, 1, "settings");
  id = 0;

  say(head: Partial<EntryHead>, content: EntryContent): RejectReason | null {
    const whole = {
      applyVersion: 1,
      node: "a",
      epoch: 0,
      number: 0,
      at: START_MS,
      position: 0,
      stateHash: "",
      wallMs: START_MS,
      ...head,
    };
    const entry: Entry = { head: whole, content };
    const { membership, rejected } = advance(this.membership, entry, ++this.id);
    this.membership = membership;
    return rejected;
  }

  hello(
    node: string,
    more: Partial<JoinRequest> & { readonly at?: number; readonly applyVersion?: number } = {},
  ): RejectReason | null {
    const { at = START_MS, applyVersion = 1, ...hello } = more;
    const usual = { store: `${node}'s`, run: "1", version: "0", settings: "settings" };
    const replaces = this.membership.nodes.get(node)?.incarnation ?? 0;
    return this.say({ node, at, applyVersion }, { kind: "hello", replaces, ...usual, ...hello });
  }

  /** Applies the next entry of a node. Returns why it is rejected, or null. */
  next(node: string, content: EntryContent, more: Partial<EntryHead> = {}): RejectReason | null {
    const { incarnation: epoch, number } = must(this.membership.nodes.get(node), node);
    return this.say({ node, epoch, number: number + 1, ...more }, content);
  }
}

const HEARTBEAT = { kind: "beat" } as const;

t.test("which entries are accepted", (t) => {
  const log = new Log();
  t.equal(log.say({ node: "a", epoch: 1, number: 1 }, HEARTBEAT), "old", "nobody has said hello");
  t.equal(log.hello("a"), null);
  t.equal(log.next("a", HEARTBEAT), null);
  t.equal(log.say({ node: "a", epoch: 2, number: 1 }, HEARTBEAT), "old", "a second time");
  t.equal(log.say({ node: "a", epoch: 2, number: 3 }, HEARTBEAT), "old", "one is missing");
  t.equal(log.say({ node: "a", epoch: 1, number: 2 }, HEARTBEAT), "old", "of another incarnation");
  t.equal(log.next("a", HEARTBEAT), null);
  t.equal(log.hello("a", { run: "2" }), null);
  t.equal(log.say({ node: "a", epoch: 2, number: 3 }, HEARTBEAT), "old", "it has begun anew");
  t.equal(log.next("a", HEARTBEAT), null);
  t.equal(log.membership.nodes.get("a")?.run, "2");
  t.equal(log.hello("a", { run: "1", replaces: 2 }), "old", "a hello that comes late");
  t.equal(log.membership.nodes.get("a")?.run, "2");
  t.end();
});

t.test("time never goes back, and a rejected entry does not move it", (t) => {
  const log = new Log();
  log.hello("a", { at: START_MS + 50 });
  t.equal(log.membership.nowMs, START_MS + 50);
  log.next("a", HEARTBEAT, { at: START_MS + 10 });
  t.equal(log.membership.nowMs, START_MS + 50);
  log.say({ node: "b", epoch: 9, number: 1, at: START_MS + 900 }, HEARTBEAT);
  log.hello("a", { replaces: 77, at: START_MS + 900 });
  t.equal(log.membership.nowMs, START_MS + 50);
  t.end();
});

t.test("the term decides which node leads", (t) => {
  const log = new Log();
  log.hello("a");
  log.hello("b");
  t.equal(log.next("a", { kind: "candidacy", term: 0 }), null);
  t.equal(log.next("b", { kind: "candidacy", term: 0 }), "term", "the second");
  t.match(log.membership, { term: 1, leader: "a" });
  t.equal(log.next("b", { kind: "candidacy", term: 1 }), null);
  t.match(log.membership, { term: 2, leader: "b" });
  t.end();
});

t.test("a name has one data directory at a time", (t) => {
  const log = new Log();
  log.hello("a");
  t.equal(log.hello("a", { store: "another", at: START_MS + NODE_SILENCE_MS - 1 }), "name_taken");
  t.equal(log.hello("a", { store: "another", at: START_MS + NODE_SILENCE_MS }), null, "the one before is silent");
  t.equal(log.membership.nodes.get("a")?.store, "another");
  t.end();
});

t.test("a node that was silent for a day is removed, and may join again", (t) => {
  const log = new Log();
  log.hello("a");
  log.hello("b", { at: START_MS + NODE_FORGOTTEN_MS });
  t.same([...log.membership.nodes.keys()], ["b"]);
  t.equal(log.say({ node: "a", epoch: 1, number: 1 }, HEARTBEAT), "old");
  t.equal(log.hello("a", { replaces: 1 }), "old", "it does not know yet");
  t.equal(log.hello("a"), null);
  t.end();
});

t.test("settings and apply version", (t) => {
  const log = new Log();
  t.equal(log.hello("a", { settings: "others" }), "settings");
  t.equal(log.hello("a"), null);
  t.equal(log.hello("b", { applyVersion: 2 }), null, "a newer program may come");
  const calls = { kind: "calls", term: 0, calls: [] } as const;
  t.equal(log.next("b", calls, { applyVersion: 2 }), "commands", "but its calls mean something else");
  t.equal(log.next("b", { kind: "candidacy", term: 0 }, { applyVersion: 2 }), "commands");
  t.equal(log.next("b", { kind: "upgrade", to: 2 }, { applyVersion: 2 }), null);
  t.equal(log.next("a", calls), "commands", "those of before mean nothing any more");
  t.equal(log.next("a", { kind: "upgrade", to: 2 }), "commands", "it has been done");
  t.equal(log.next("b", calls, { applyVersion: 2 }), null);
  t.end();
});
