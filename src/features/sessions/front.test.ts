/**
 * Tests the answers that the dashboard's page gets. Also tests that no session changes if the writer cannot store the
 * change.
 */
import t from "tap";
import { quietLog } from "../../../test/support/quiet-log.js";
import { FakeWriter, settle } from "../../../test/threads/fake-writer.js";
import { OPTIONS, type Config } from "../../../schemas/config.js";
import { Failure } from "../../base/result.js";
import { ANONYMOUS, type Actors, type Caller } from "../../platform/front/caller.js";
import { RequestGuard } from "../../platform/front/request-guard.js";
import type { Answer } from "../../platform/front/route.js";
import { SessionRegistry } from "./session-registry.js";
import { SessionFront } from "./front.js";

const actors: Actors = {
  size: 0,
  touchId: () => false,
  touchToken: () => undefined,
  beginWait: () => () => undefined,
  hadToken: () => false,
  has: () => false,
  onRevoked: () => () => undefined,
  ofSession: () => undefined,
};
const FULL = new Failure("DISK_FULL", "no room");

function play(authToken: string, exposed = false) {
  const defaults = Object.fromEntries(Object.entries(OPTIONS).map(([key, option]) => [key, option.fallback]));
  const guard = new RequestGuard(
    { ...defaults, auth_token: authToken } as unknown as Config,
    { portNumbers: [9847] },
    { now: () => 1_000 },
    quietLog(),
  );
  const clock = { now: () => 1_000 };
  const instances = new Map<string, { readonly name: string }>();
  const book = new SessionRegistry({ token: authToken, clock, instances });
  const played = new FakeWriter();
  const front = new SessionFront({
    book,
    writer: played.writer,
    guard,
    actors,
    instances,
    ports: { dashboardPort: 9847 },
    exposed,
    stale_after_ms: 1,
    clock,
    log: quietLog(),
  });
  const ask = (caller: Caller, cookie = "") => ({
    caller,
    headers: { cookie, origin: "", host: "localhost:9847", "user-agent": "" },
    json: { token: authToken },
    peer: "127.0.0.1",
  });
  return { book, played, front, ask };
}

const parse = (answer: Answer): unknown => (answer instanceof Failure ? answer : JSON.parse(String(answer.body)));

t.test("it reports whether anyone on the network has access", (t) => {
  for (const exposed of [true, false]) {
    const { front, ask } = play("", exposed);
    t.match(parse(front.show(ask({ role: "nobody", actor: "dashboard" }))), { auth: false, logged_in: true, exposed });
  }
  const { front, ask } = play("secret");
  t.match(parse(front.show(ask(ANONYMOUS))), { auth: true, logged_in: false, role: "nobody", actor: "" });
  t.match(
    parse(front.show(ask({ role: "server", actor: "" }))),
    { logged_in: true, role: "server", actor: "dashboard" },
    "the server's token as bearer, which a proxy may add",
  );
  t.end();
});

t.test("a log-in that is not stored fails", async (t) => {
  const { book, played, front, ask } = play("secret");
  const answer = front.logIn(ask(ANONYMOUS));
  await settle();
  t.equal(played.calls[0]?.name, "session.open");
  t.notMatch(JSON.stringify(played.asked(0)), /secret/);
  played.calls[0]?.answer(FULL);
  t.equal(await answer, FULL);
  t.equal(book.size, 0);
});

t.test("a log-out that is not stored did not happen: the next try works", async (t) => {
  const { book, played, front, ask } = play("secret");
  const { value, row } = book.begin("", false);
  const { caller } = book.add(row);
  const cookie = `koor_session_9847=${value}`;
  const refused = front.logOut(ask(caller, cookie));
  await settle();
  played.calls[0]?.answer(FULL);
  t.equal(await refused, FULL);
  t.equal(front.find(cookie)?.caller, caller);
  const done = front.logOut(ask(caller, cookie));
  await settle();
  t.same(played.asked(-1), { ids: [row.id] });
  played.calls.at(-1)?.answer(null);
  t.same(parse(await done), { logged_out: true });
  t.equal(front.find(cookie), undefined);
});
