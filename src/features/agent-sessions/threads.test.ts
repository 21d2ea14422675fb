/** Tests the sessions of agents' clients with the real writer thread, before and after a restart of the server. */
import t, { type Test } from "tap";
import { IGNORED_PUSHES } from "../../../test/support/ignored-pushes.js";
import { quietLog } from "../../../test/support/quiet-log.js";
import { makeDirectory } from "../../../test/support/server-process.js";
import { steadyClock } from "../../base/clock.js";
import { Failure } from "../../base/result.js";
import { METHODS, PUSH_MESSAGES } from "../../methods.js";
import { loadConfig } from "../../platform/config/load.js";
import { NO_CALLER } from "../../platform/rpc/frames.js";
import { openThreads } from "../../platform/threads/open.js";
import { Directory } from "../instances/directory.js";
import { instanceReader } from "../instances/table.js";
import { AgentSessions, type SessionEvent } from "./front.js";

const program = (path: string): URL => new URL(`../../../workers/${path}/main.js`, import.meta.url);
const URLS = { writer: program("writer"), pool: program("pool"), staging: program("staging") };
const CALL = { caller: { role: "server", actor: "" }, context: NO_CALLER } as const;
const EVENT: SessionEvent = {
  session: "s-1",
  client: "claude",
  agent: { id: "a-1", label: "Explore" },
  workspace: "trucks",
  checkout: { id: "c-1", branch: "main" },
  restarts: true,
};

function open(t: Test, dataDir: string) {
  const invocation = loadConfig(["--data-dir", dataDir], {});
  if (invocation.kind !== "serve") throw new Error("these are flags of the server");
  const log = quietLog();
  const threads = openThreads({
    config: invocation.config,
    data_dir: dataDir,
    urls: URLS,
    log,
    methods: METHODS,
    pushMessages: PUSH_MESSAGES,
  });
  threads.listen({ ...IGNORED_PUSHES, bug: ({ error }) => void t.fail(error) }, () => undefined);
  const rows = threads.reads.model(instanceReader);
  const directory = new Directory();
  directory.load(rows.all());
  const { writer } = threads;
  const sessions = new AgentSessions({ guarded: true, directory, writer, rows, clock: steadyClock(), log });
  const begin = async (event: Partial<SessionEvent> = {}) => {
    const begun = await sessions.begin({ ...EVENT, ...event }, CALL);
    if (begun === null || begun instanceof Failure) throw new Error(begun?.message ?? "nothing was begun");
    return begun;
  };
  return { threads, directory, sessions, begin };
}

t.test("a session and its subagent are the same instances after a restart", async (t) => {
  const dataDir = makeDirectory(t);
  const first = open(t, dataDir);
  const all = await Promise.all(Array.from({ length: 8 }, () => first.begin()));
  t.equal(new Set(all.map(({ session }) => session)).size, 1, "first events that arrive together make one");
  const [{ session, subagent } = await first.begin()] = all;
  t.match(subagent, { name: `${session.name}/Explore`, parent: session.id, checkout: { id: "c-1", branch: "main" } });
  await first.begin({ checkout: { id: "c-1", branch: "fix" } });
  t.same(await first.sessions.end("s-1", null, CALL), [subagent?.id, session.id]);
  await first.threads.close();

  const second = open(t, dataDir);
  t.match(second.directory.ofSession("s-1"), {
    id: session.id,
    status: "stale",
    checkout: { id: "c-1", branch: "fix", root: null, machine: null },
  });
  t.equal(await second.sessions.begin({ ...EVENT, restarts: false }, CALL), null, "it has ended");
  const again = await second.begin({ checkout: null });
  t.same([again.session.id, again.subagent?.id], [session.id, subagent?.id]);
  t.equal(again.session.status, "active");
  await second.threads.close();

  const third = open(t, dataDir);
  const { session: running } = await third.begin({ agent: null, checkout: null, restarts: false });
  t.match(running, { id: session.id, status: "active", session: { ended_at: null } }, "one that runs, too");
  await third.threads.close();
});
