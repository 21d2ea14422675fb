/**
 * The scenario that every agent client runs. Another instance holds a file with its uncommitted work. The agent edits
 * this file, and then two free files at once. Then it runs a shell command that would write the held file, and a git
 * command that would destroy the work. A second session in the same directory edits a file that the first session
 * holds, and starts a subagent. The first session is killed and resumed. Runs in the test's process.
 */
import type { Test } from "tap";
import {
  type AgentPlace,
  type InstanceShown,
  FREE_FILE,
  FREE_TEXT,
  HELD_FILE,
  HELD_TEXT,
  HOLDER,
  SECOND_FILE,
  SHARED_FILE,
  WELCOME,
  WORKSPACE,
} from "./agent-place.js";
import type { ModelRequest } from "./model-endpoint.js";
import { promptFor, type Scripts, type Turn } from "./model-script.js";

const CHANGED_TEXT = FREE_TEXT.replace("before", "after");
const AUTO_TTL_MS = 600_000;
/** The turns of the script `main` that the test checks. */
const AFTER_EDIT = 2;
const AFTER_SHELL = 4;
const AFTER_GIT = 5;

/** Returns how often a text occurs in a request. */
function countOf(text: string, request: ModelRequest | undefined): number {
  return (request?.body ?? "").split(text).length - 1;
}

/** Whether the request for a turn contains a text for the model that the previous request did not contain. */
function isTold(place: AgentPlace, script: string, turn: number, text: string): boolean {
  const [before, after] = [turn - 1, turn].map((at) =>
    place.endpoint.of(script).find((request) => request.turn === at),
  );
  return countOf(text, after) > countOf(text, before);
}

function scriptsOf(
  { client: { tools }, path }: AgentPlace,
  hold: () => Promise<void>,
  queue: () => Promise<void>,
): Scripts {
  const [held, free, second, shared] = [path(HELD_FILE), path(FREE_FILE), path(SECOND_FILE), path(SHARED_FILE)];
  const { subagent, finish } = tools;
  const family: readonly Turn[] = subagent === undefined ? [] : [{ calls: subagent(promptFor("child")) }];
  return {
    main: [
      { calls: [held, free, second].map((file) => tools.read(file)) },
      { calls: [tools.edit(held, "committed", "overwritten")] },
      { calls: [tools.edit(free, "before", "after"), tools.edit(second, "before", "after")] },
      { calls: [tools.shell(`echo lost > ${HELD_FILE}`)] },
      { calls: [tools.shell(`git checkout -- ${HELD_FILE}`)] },
      { calls: [], text: "Done.", before: hold },
    ],
    second: [
      { calls: [tools.read(free), tools.read(shared)] },
      { calls: [tools.edit(free, "after", "stolen")] },
      { calls: [tools.edit(shared, "before", "by the parent")] },
      ...family,
    ],
    child: [
      { calls: [tools.read(held), tools.read(shared)] },
      { calls: [tools.edit(held, "committed", "overwritten")] },
      { calls: [tools.edit(shared, "by the parent", "by the child")] },
      ...(finish === undefined ? [] : [{ calls: [finish] }]),
    ],
    resumed: [
      { calls: [tools.read(free)] },
      { calls: [tools.edit(free, "after", "again")] },
      { calls: [], text: "Done.", before: queue },
    ],
  };
}

/** Returns the instances of the client's sessions, oldest first. */
async function sessionsOf(place: AgentPlace): Promise<readonly InstanceShown[]> {
  const found = (await place.instances()).filter(({ name }) => name.startsWith(`${place.client.name}-`));
  return found.toSorted((one, other) => one.registered_at.localeCompare(other.registered_at));
}

export async function playMain(test: Test, place: AgentPlace): Promise<void> {
  const { client, endpoint } = place;
  const holder = await place.register(HOLDER);
  await place.lease(holder, HELD_FILE);
  const never = new Promise<void>(() => undefined);
  endpoint.scripts = scriptsOf(
    place,
    () => never,
    async () => {
      await place.lease(holder, FREE_FILE, { queue: true });
    },
  );
  const main = place.start("main");
  const last = await Promise.race([endpoint.reached("main", AFTER_GIT), main.ended]);
  if (!("turn" in last)) {
    test.fail(`the client ended before its script: ${last.output}`);
    return;
  }
  const [session] = await sessionsOf(place);
  if (session === undefined) {
    test.fail("no hook of the client made an instance");
    return;
  }
  await checkFirst(test, place, session);
  await playSecond(test, place, session);
  await checkUsage(test, place);
  main.kill("SIGKILL");
  await main.ended;
  const [left] = await place.leasesOf(FREE_FILE);
  test.equal(left?.holder.id, session.id, "a killed session still holds its leases");
  const leftMs = Date.parse(left?.expires_at ?? "") - Date.parse(left?.granted_at ?? "");
  test.ok(leftMs <= AUTO_TTL_MS, `for 10 minutes at most: ${leftMs} ms`);
  if (client.canResume) await playResumed(test, place, session, holder);
}

async function checkFirst(test: Test, place: AgentPlace, session: InstanceShown): Promise<void> {
  const [, request] = place.endpoint.of("main");
  test.match(request?.body, WELCOME, "the model hears its name at the start");
  test.equal(place.read(FREE_FILE), CHANGED_TEXT, "a free file is changed");
  test.equal(place.read(SECOND_FILE), CHANGED_TEXT, "and another one, at the same time");
  for (const name of [FREE_FILE, SECOND_FILE])
    test.match(await place.leasesOf(name), [{ holder: { id: session.id } }], `${name} is leased meanwhile`);
  if (place.client.isDenied) test.equal(place.read(HELD_FILE), HELD_TEXT, "the held file is unchanged");
  test.ok(isTold(place, "main", AFTER_EDIT, HOLDER), "the model hears who holds it after the edit");
  test.ok(isTold(place, "main", AFTER_SHELL, HOLDER), "after the shell command");
  test.ok(isTold(place, "main", AFTER_GIT, HOLDER), "and after the git command");
}

/** The clients whose hooks report the transcript. */
const REPORTING: ReadonlySet<string> = new Set(["claude", "codex"]);
const USAGE_PATH = "/api/events/history?topic=llm.usage.recorded&after=0&wait=60";

/**
 * Checks that the server knows the usage of a session. The second session is checked, because it has ended its turn,
 * after which each client reports. In the middle of a turn, a client may not have written its transcript when the
 * report is due.
 */
async function checkUsage(test: Test, place: AgentPlace): Promise<void> {
  if (!REPORTING.has(place.client.name)) return;
  const [event] = await place.call<readonly { readonly data: Readonly<Record<string, unknown>> }[]>("GET", USAGE_PATH);
  test.match(event?.data, { project: WORKSPACE, request_type: "transcript", cost_usd: 0 });
  const ids = (await sessionsOf(place)).map(({ id }) => id);
  test.ok(ids.includes(String(event?.data["instance_id"])), "it is that of a session");
  test.ok(Number(event?.data["tokens_in"]) >= 10, `its tokens are counted: ${JSON.stringify(event?.data)}`);
}

/** Runs another session in the same directory. If the client has subagents, the session starts one. */
async function playSecond(test: Test, place: AgentPlace, first: InstanceShown): Promise<void> {
  const { client } = place;
  const { code, output } = await place.run("second");
  test.equal(code, 0, "a second session here ends well");
  test.ok(isTold(place, "second", 2, first.name), "it hears who holds what it edits");
  if (client.isDenied) test.equal(place.read(FREE_FILE), CHANGED_TEXT, "and does not change it");
  const all = await sessionsOf(place);
  const [roots, children] = [all.filter(({ parent }) => parent === null), all.filter(({ parent }) => parent !== null)];
  test.equal(roots.length, 2, "each session is an instance");
  if (client.tools.subagent === undefined) return;
  test.equal(
    place.read(SHARED_FILE),
    FREE_TEXT.replace("before", "by the child"),
    "a subagent shares its parent's file",
  );
  test.ok(isTold(place, "child", 2, HOLDER), "it hears who holds what it edits");
  if (client.isDenied) test.equal(place.read(HELD_FILE), HELD_TEXT, "and does not change it");
  if (client.namesChildren) test.match(children, [{ parent: roots[1]?.id }], "it is an instance below its parent");
  else test.same(children, [], "it acts as its parent, because the client does not tell them apart");
  if (!test.passing()) test.comment(output);
}

/** Resumes the first session after it was killed. When it ends, another agent is waiting for its file. */
async function playResumed(test: Test, place: AgentPlace, session: InstanceShown, holder: string): Promise<void> {
  const { client } = place;
  const { output } = await place.run("resumed", place.sessionId());
  test.equal(place.read(FREE_FILE), FREE_TEXT.replace("before", "again"), "a resumed session goes on with its files");
  const roots = (await sessionsOf(place)).filter(({ parent }) => parent === null);
  test.equal(roots.length, 2, "it is the same instance as before");
  test.match(await place.leasesOf(FREE_FILE), [{ holder: { id: holder } }], "at its end the file is free for others");
  // If the client reports the end of the session, the session's files without a waiter are free then.
  const kept = client.tellsEnd ? [] : [{ holder: { id: session.id } }];
  test.match(await place.leasesOf(SECOND_FILE), kept, "and so are the others after the end of the session");
  if (!test.passing()) test.comment(output);
}
