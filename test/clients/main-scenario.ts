/**
 * The scenario that every agent client plays: another instance holds a file with its uncommitted work. The agent edits
 * that file, then two free ones at once, then runs a shell command that would write the held file, then a git command
 * that would destroy the work. A second session in the same directory edits what the first one holds. The first one is
 * killed, resumed, and starts a subagent. Runs in the test's process.
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
} from "./agent-place.js";
import type { ModelRequest } from "./model-endpoint.js";
import { promptFor, type Scripts, type Turn } from "./model-script.js";

const AUTO_TTL_MS = 600_000;
/** The turns of the script `main` that the test looks at. */
const AFTER_EDIT = 2;
const AFTER_SHELL = 4;
const AFTER_GIT = 5;

/** How often a text is in a request. */
function countOf(text: string, request: ModelRequest | undefined): number {
  return (request?.body ?? "").split(text).length - 1;
}

/** Whether the request for a turn tells the model a text that the request before did not. */
function isTold(place: AgentPlace, script: string, turn: number, text: string): boolean {
  const [before, after] = [turn - 1, turn].map((at) =>
    place.endpoint.of(script).find((request) => request.turn === at),
  );
  return countOf(text, after) > countOf(text, before);
}

function scriptsOf(place: AgentPlace, hold: () => Promise<void>, queue: () => Promise<void>): Scripts {
  const { tools } = place.client;
  const [held, free, second] = [HELD_FILE, FREE_FILE, SECOND_FILE].map((name) => place.path(name)) as [
    string,
    string,
    string,
  ];
  const { subagent, finish } = tools;
  const family: readonly Turn[] = subagent === undefined ? [] : [{ calls: subagent(promptFor("child")) }];
  return {
    main: [
      { calls: [held, free, second].map((path) => tools.read(path)) },
      { calls: [tools.edit(held, "committed", "overwritten")] },
      { calls: [tools.edit(free, "before", "after"), tools.edit(second, "before", "after")] },
      { calls: [tools.shell(`echo lost > ${HELD_FILE}`)] },
      { calls: [tools.shell(`git checkout -- ${HELD_FILE}`)] },
      { calls: [], text: "Done.", before: hold },
    ],
    second: [{ calls: [tools.read(free)] }, { calls: [tools.edit(free, "after", "stolen")] }],
    resumed: [
      { calls: [tools.read(free)] },
      { calls: [tools.edit(free, "after", "again")] },
      ...family,
      { calls: [], text: "Done.", before: queue },
    ],
    child: [
      { calls: [tools.read(held), tools.read(free)] },
      { calls: [tools.edit(held, "committed", "overwritten")] },
      { calls: [tools.edit(free, "again", "by the child")] },
      ...(finish === undefined ? [] : [{ calls: [finish] }]),
    ],
  };
}

/** Returns the instances that the client's sessions made, the oldest first. */
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
  test.equal(place.read(FREE_FILE), FREE_TEXT.replace("before", "after"), "the free file is changed");
  test.equal(place.read(SECOND_FILE), FREE_TEXT.replace("before", "after"), "and the other one, at the same time");
  for (const name of [FREE_FILE, SECOND_FILE])
    test.match(await place.leasesOf(name), [{ holder: { id: session?.id } }], `${name} is leased meanwhile`);
  if (client.isDenied) test.equal(place.read(HELD_FILE), HELD_TEXT, "the held file is unchanged");
  test.ok(isTold(place, "main", AFTER_EDIT, HOLDER), "the model hears who holds it after the edit");
  test.ok(isTold(place, "main", AFTER_SHELL, HOLDER), "after the shell command");
  test.ok(isTold(place, "main", AFTER_GIT, HOLDER), "and after the git command");

  const second = await place.run("second");
  test.ok(isTold(place, "second", 2, session?.name ?? ""), "a second session here hears who holds what it edits");
  if (client.isDenied)
    test.equal(place.read(FREE_FILE), FREE_TEXT.replace("before", "after"), "and does not change it");
  test.equal(second.code, 0, "and ends well");

  main.kill("SIGKILL");
  await main.ended;
  const [left] = await place.leasesOf(FREE_FILE);
  test.equal(left?.holder.id, session?.id, "a killed session still holds its leases");
  const leftMs = Date.parse(left?.expires_at ?? "") - Date.parse(left?.granted_at ?? "");
  test.ok(leftMs <= AUTO_TTL_MS, `for 10 minutes at most: ${leftMs} ms`);

  // The edit of Cline's second session was not refused.
  if (!client.isDenied) place.write(FREE_FILE, FREE_TEXT.replace("before", "after"));
  const resumed = await place.run("resumed", place.sessionId());
  test.comment(`${client.label}: ${resumed.output.slice(-1500)}`);
  const roots = (await sessionsOf(place)).filter(({ parent }) => parent === null);
  test.same([roots.length, roots[0]?.id], [2, session?.id], "the resumed session is the same instance");
  if (client.tools.subagent === undefined)
    test.equal(place.read(FREE_FILE), FREE_TEXT.replace("before", "again"), "it goes on with what it holds");
  else await checkFamily(test, place, session);
  const free = await place.leasesOf(FREE_FILE);
  if (client.tellsEnd) test.not(free[0]?.holder.id, session?.id, "free after the end of the session");
  test.match(free, [{ holder: { id: holder } }], "whoever waited has the file after the session");
}

async function checkFamily(test: Test, place: AgentPlace, session: InstanceShown | undefined): Promise<void> {
  const { client } = place;
  test.equal(place.read(FREE_FILE), FREE_TEXT.replace("before", "by the child"), "a subagent shares its parent's file");
  test.ok(isTold(place, "child", 2, HOLDER), "a subagent hears who holds what it edits");
  if (client.isDenied) test.equal(place.read(HELD_FILE), HELD_TEXT, "and does not change it");
  const children = (await sessionsOf(place)).filter(({ parent }) => parent !== null);
  if (client.namesChildren) test.match(children, [{ parent: session?.id }], "and is an instance below its parent");
  else test.same(children, [], "and acts as its parent, because the client does not tell them apart");
}
