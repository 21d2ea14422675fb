/**
 * The scenario that every agent client plays: another instance holds a file with its uncommitted work. The agent edits
 * that file, then a free one, then runs a shell command that would write the held file, then a git command that would
 * destroy the work. Runs in the test's process.
 */
import t, { type Test } from "tap";
import { longFormOnly } from "../support/test-size.js";
import { type AgentPlace, FREE_FILE, FREE_TEXT, HELD_FILE, HELD_TEXT, HOLDER, makePlace } from "./agent-place.js";
import { AGENT_CLIENTS, type AgentClient } from "./clients.js";
import { newNodeFolder, programOf } from "./installed.js";
import { isLoopbackOnly } from "./loopback-only.js";
import type { ModelRequest } from "./model-endpoint.js";

/** A busy machine takes far longer than a quiet one. */
const TIMEOUT_MS = 240_000;
/** Clients at a time: each keeps a core busy while it starts. */
const CLIENTS_TOGETHER = 2;

const chosen = process.env["KOOR_TEST_CLIENT"];
const clients = AGENT_CLIENTS.filter(({ label }) => chosen === undefined || label === chosen);

function reasonToSkip(client: AgentClient): string | false {
  const form = longFormOnly();
  if (form !== false) return form;
  if (programOf(client) === undefined)
    return `${client.package} ${client.version} is not installed: node dist/tree/test/clients/install.js`;
  return client.needsNewNode && newNodeFolder() === undefined ? "it needs a newer Node, which is not installed" : false;
}

/** How often a name is in the results that a request brings to the model. */
function countOf(name: string, request: ModelRequest | undefined): number {
  return (request?.body ?? "").split(name).length - 1;
}

async function playMain(test: Test, place: AgentPlace): Promise<void> {
  const { client, endpoint } = place;
  const { tools, isDenied } = client;
  const holder = await place.register(HOLDER);
  await place.lease(holder, HELD_FILE);
  let letGo: (() => void) | undefined;
  const looked = new Promise<void>((resolve) => {
    letGo = resolve;
  });
  endpoint.scripts = {
    main: [
      { calls: [tools.read(place.path(HELD_FILE)), tools.read(place.path(FREE_FILE))] },
      { calls: [tools.edit(place.path(HELD_FILE), "committed", "overwritten")] },
      { calls: [tools.edit(place.path(FREE_FILE), "before", "after")] },
      { calls: [tools.shell(`echo lost > ${HELD_FILE}`)] },
      { calls: [tools.shell(`git checkout -- ${HELD_FILE}`)] },
      { calls: [], text: "Done.", after: looked },
    ],
  };
  const run = place.start("main");
  const last = await Promise.race([endpoint.reached("main", 5), run.ended]);
  const during = await place.leasesOf(FREE_FILE);
  letGo?.();
  const ended = await run.ended;
  const requests = [0, 1, 2, 3, 4, 5].map((turn) => endpoint.of("main").find((request) => request.turn === turn));
  test.comment(`${client.label}: ${ended.output.slice(-2000)}`);
  test.ok("body" in last, "the client plays the whole script");
  const heard = requests.map((request) => countOf(HOLDER, request));
  test.comment(`${client.label} heard ${heard.join(" ")}`);
  test.equal(place.read(FREE_FILE), FREE_TEXT.replace("before", "after"), "the free file is changed");
  test.match(during, [{ state: "held" }], "and leased while the session is active");
  test.comment(JSON.stringify(await place.instances()));
  if (isDenied) {
    test.equal(place.read(HELD_FILE), HELD_TEXT, "the held file is unchanged");
    test.ok((heard[2] ?? 0) > (heard[1] ?? 0), "the next request tells who holds it");
    test.ok((heard[4] ?? 0) > (heard[3] ?? 0), "and so it is with the shell command");
    test.ok((heard[5] ?? 0) > (heard[4] ?? 0), "and with the git command");
  }
  if (client.tellsEnd) test.same(await place.leasesOf(FREE_FILE), [], "free after the end of the session");
}

t.jobs = CLIENTS_TOGETHER;
t.comment(isLoopbackOnly() ? "the network is loopback only" : "no namespaces here: the clients get refusing proxies");
for (const client of clients) {
  const skip = reasonToSkip(client);
  void t.test(client.label, { skip, buffered: true, timeout: TIMEOUT_MS }, async (test) => {
    await playMain(test, await makePlace(test, client));
  });
}
