/** Tests when sessions are written and ended, with injected time and a simulated writer. */
import t from "tap";
import { Compile } from "typebox/compile";
import { FakeWriter, settle } from "../../../test/threads/fake-writer.js";
import { SESSION_FLUSH_INTERVAL_MS, SESSION_IDLE_MS } from "../../../schemas/limits/sessions.js";
import { Failure } from "../../base/result.js";
import { SessionRegistry } from "./session-registry.js";
import { endSessions, useSessions } from "./commands.js";
import { SessionUpkeep } from "./upkeep.js";

function play() {
  const time = { nowMs: 1_000 };
  const clock = { now: () => time.nowMs };
  const book = new SessionRegistry({ token: "secret", clock, instances: new Map() });
  const played = new FakeWriter();
  const upkeep = new SessionUpkeep(book, played.writer, clock);
  const pass = async (ms: number): Promise<void> => {
    time.nowMs += ms;
    upkeep.tick(time.nowMs);
    await settle();
  };
  return { book, played, upkeep, pass, time };
}

t.test("uses are written together, once an interval, and expired sessions are deleted", async (t) => {
  const { book, played, pass, time } = play();
  const { calls } = played;
  const [used, idle] = [book.begin("", false), book.begin("", false)];
  book.add(used.row);
  book.add(idle.row);
  await pass(SESSION_FLUSH_INTERVAL_MS);
  t.equal(calls.length, 0, "nothing was used since");
  for (let at = 0; at < 3; at++) {
    time.nowMs += 1;
    book.find(used.value);
  }
  const lastUsedAt = time.nowMs;
  await pass(SESSION_FLUSH_INTERVAL_MS - 4);
  t.equal(calls.length, 0, "not before the interval is over");
  await pass(1);
  t.match(calls[0], { name: "session.use", request: { uses: [{ id: used.row.id, last_used_at: lastUsedAt }] } });
  t.ok(Compile(useSessions.request).Check(played.asked(0)));
  calls[0]?.answer(null);
  await settle();
  t.equal(calls.length, 1);
  time.nowMs = lastUsedAt + SESSION_IDLE_MS - 1;
  await pass(0);
  t.match(calls[1], { name: "session.end", request: { ids: [idle.row.id] } });
  t.ok(Compile(endSessions.request).Check(played.asked(1)));
  calls[1]?.answer(new Failure("DISK_FULL", "no room"));
  await settle();
  await pass(SESSION_FLUSH_INTERVAL_MS);
  t.same(
    new Set(played.asked<{ readonly ids: readonly string[] }>(2).ids),
    new Set([idle.row.id, used.row.id]),
    "refused uses are sent again",
  );
});

t.test("a shutdown writes the state of memory", async (t) => {
  const { book, played, upkeep, time } = play();
  const { value, row } = book.begin("", false);
  book.add(row);
  time.nowMs += 9;
  book.find(value);
  const closing = upkeep.close();
  await settle();
  t.match(played.calls[0], { name: "session.use", request: { uses: [{ id: row.id, last_used_at: time.nowMs }] } });
  played.calls[0]?.answer(null);
  await closing;
});
