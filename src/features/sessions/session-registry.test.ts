/**
 * Tests which cookies open a session, how long a session lasts, and when it is written to the database. Time is
 * injected.
 */
import t from "tap";
import { SESSION_IDLE_MS, SESSIONS_MAX } from "../../../schemas/limits/sessions.js";
import { must } from "../../base/assert.js";
import { SessionRegistry, type NewSession } from "./session-registry.js";

const START_MS = 1_000_000_000;

class Play {
  nowMs = START_MS;
  readonly instances = new Map<string, object>([["one", {}]]);
  readonly book: SessionRegistry;

  constructor(token = "secret") {
    this.book = this.another(token);
  }

  /** Returns a new registry, as after a restart of this machine. */
  another(token = "secret"): SessionRegistry {
    return new SessionRegistry({ token, clock: { now: () => this.nowMs }, instances: this.instances });
  }

  open(instance = "", secure = false): NewSession {
    const begun = this.book.begin(instance, secure);
    this.book.add(begun.row);
    return begun;
  }
}

t.test("a session is found by its cookie alone, and has a caller", (t) => {
  const play = new Play();
  const { book } = play;
  const server = play.open();
  const instance = play.open("one");
  t.match(server.value, /^[A-Za-z0-9_-]{43}$/);
  t.not(server.value, instance.value);
  t.same(book.find(server.value)?.caller, { role: "server", actor: "dashboard" });
  t.same(book.find(instance.value)?.caller, { role: "instance", actor: "one" });
  for (const stranger of ["", server.row.id, server.row.proof, book.begin("", false).value])
    t.equal(book.find(stranger), undefined, "and by nothing else, not even a session that was not stored");
  t.end();
});

t.test("a row reveals neither the cookie nor the token", (t) => {
  const { value, row } = new Play().open();
  const again = new Play("another").another("secret").begin("", false);
  t.notMatch(JSON.stringify(row), new RegExp(`${value}|secret`));
  t.not(again.row.proof, row.proof, "the same token has another proof in each session");
  t.end();
});

t.test("it survives a restart with the same token, and not with another", (t) => {
  const play = new Play();
  const { value, row } = play.open("one", true);
  const same = play.another();
  same.load([row]);
  t.match(same.find(value), { caller: { actor: "one" }, row: { secure: true } });
  t.ok(same.find(value), "and is proven from then on");
  const other = play.another("changed");
  other.load([row]);
  t.equal(other.find(value), undefined);
  t.same(other.takeExpired(SESSIONS_MAX), [row.id], "one that can never be good again goes from the database, too");
  const off = play.another("");
  off.load([row]);
  t.equal(off.find(value), undefined);
  t.end();
});

t.test("it expires after twelve hours without use", (t) => {
  t.equal(SESSION_IDLE_MS, 12 * 3_600_000);
  const play = new Play();
  const { book } = play;
  const { value, row } = play.open();
  play.nowMs += SESSION_IDLE_MS - 1;
  t.ok(book.find(value));
  play.nowMs += SESSION_IDLE_MS - 1;
  book.prune(play.nowMs);
  t.ok(book.find(value), "it was used in between");
  play.nowMs += SESSION_IDLE_MS;
  t.equal(book.find(value), undefined);
  t.same(book.takeExpired(SESSIONS_MAX), [row.id]);
  t.same(book.takeUses(), [], "its use is of no more use");

  const idle = play.open();
  play.nowMs += SESSION_IDLE_MS;
  const later = play.another();
  later.load([idle.row]);
  t.equal(later.find(idle.value), undefined, "nor does a restart bring it back");
  t.end();
});

t.test("it ends with the instance that owns its token", (t) => {
  const play = new Play();
  const { book } = play;
  const [first, second] = [play.open("one"), play.open("one")];
  const server = play.open();
  let ended = 0;
  must(book.find(second.value), "it is open").onEnd(() => {
    ended += 1;
  });
  play.instances.delete("one");
  t.equal(book.find(first.value), undefined);
  book.prune(play.nowMs);
  t.equal(ended, 1, "even if no request comes");
  t.ok(book.find(server.value));
  t.same(new Set(book.takeExpired(SESSIONS_MAX)), new Set([first.row.id, second.row.id]));
  t.equal(book.size, 1);
  t.end();
});

t.test("an end listener is called once, unless it was removed", (t) => {
  const play = new Play();
  const { book } = play;
  const { value, row } = play.open();
  const session = must(book.find(value), "it is open");
  const ends: string[] = [];
  session.onEnd(() => ends.push("one"));
  session.onEnd(() => ends.push("two"))();
  book.remove([row.id, row.id, "unknown"]);
  t.same(ends, ["one"]);
  session.onEnd(() => ends.push("late"));
  t.same(ends, ["one", "late"], "an answer may begin when it is over already");
  t.equal(book.find(value), undefined);
  t.same(book.takeExpired(SESSIONS_MAX), [], "the caller that removed it has changed the database");
  t.end();
});

t.test("uses are taken once, and can be put back if they were not stored", (t) => {
  const play = new Play();
  const { book } = play;
  const [used, unused] = [play.open(), play.open()];
  t.same(book.takeUses(), [], "a log-in is stored with its time");
  play.nowMs += 5;
  book.find(used.value);
  const uses = book.takeUses();
  t.same(uses, [{ id: used.row.id, last_used_at: play.nowMs }]);
  t.same(book.takeUses(), []);
  book.requeueUses([...uses, { id: "gone", last_used_at: 1 }]);
  t.same(book.takeUses(), uses);
  book.requeueExpired([unused.row.id]);
  t.same(book.takeExpired(SESSIONS_MAX), [unused.row.id]);
  t.end();
});

t.test("loading again keeps state that only memory has, and ends deleted sessions", (t) => {
  const play = new Play();
  const { book } = play;
  const [kept, gone] = [play.open(), play.open()];
  let ended = 0;
  must(book.find(gone.value), "it is open").onEnd(() => {
    ended += 1;
  });
  play.nowMs += 7;
  book.find(kept.value);
  book.load([kept.row]);
  t.equal(ended, 1);
  t.equal(book.find(gone.value), undefined);
  t.same(book.takeUses(), [{ id: kept.row.id, last_used_at: play.nowMs }]);
  t.end();
});

t.test("sessions are bounded, and the least recently used is evicted", (t) => {
  const play = new Play();
  const { book } = play;
  const first = play.open();
  const second = play.open();
  while (book.size < SESSIONS_MAX - 1) play.open();
  t.same(book.idsToEvict(), []);
  play.open();
  play.nowMs += 1;
  book.find(first.value);
  t.same(book.idsToEvict(), [second.row.id]);
  book.remove(book.idsToEvict());
  t.same(book.idsToEvict(), []);
  t.end();
});

t.test("who logs in again and again logs nobody else out", (t) => {
  const play = new Play();
  const { book } = play;
  const server = play.open();
  const other = play.open("other");
  play.nowMs += 1;
  const flood = Array.from({ length: SESSIONS_MAX - 2 }, () => play.open("one"));
  t.same(book.idsToEvict(), [flood[0]?.row.id]);
  for (let at = 0; at < SESSIONS_MAX; at++) {
    book.remove(book.idsToEvict());
    play.open("one");
  }
  play.instances.set("other", {});
  t.ok(book.find(other.value), "another instance stays logged in");
  t.ok(book.find(server.value), "and so does the server's token");
  t.end();
});

t.test("log-ins with the tokens of many instances do not log out the server's token", (t) => {
  const play = new Play();
  const { book } = play;
  const server = play.open();
  play.nowMs += 1;
  for (let at = 0; at < 2 * SESSIONS_MAX; at++) {
    book.remove(book.idsToEvict());
    play.open(`instance-${at}`);
  }
  t.equal(book.size, SESSIONS_MAX);
  t.ok(book.find(server.value));
  t.end();
});

t.test("a session ends with the token that opened it, and with no other", (t) => {
  const play = new Play();
  const { book } = play;
  play.instances.set("two", {});
  const [one, again, two, server] = [play.open("one"), play.open("one"), play.open("two"), play.open()];
  const ends: string[] = [];
  for (const { value } of [one, again, two, server]) {
    const session = must(book.find(value), "it is open");
    session.onEnd((how) => ends.push(`${session.caller.actor} ${how}`));
  }
  book.revoke("one");
  t.same(ends, ["one revoked", "one revoked"]);
  t.same(book.takeExpired(SESSIONS_MAX), [one.row.id, again.row.id], "they are still to be deleted");
  for (const { value } of [one, again]) t.equal(book.find(value), undefined);
  for (const { value } of [two, server]) t.ok(book.find(value));
  t.end();
});
