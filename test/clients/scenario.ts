/** Registers the tests of all agent clients. Says which tests are skipped, and why. Runs in the test's process. */
import t, { type Test } from "tap";
import { longFormOnly, sampleSome } from "../support/test-size.js";
import { type AgentPlace, makePlace } from "./agent-place.js";
import { AGENT_CLIENTS, type AgentClient } from "./clients.js";
import { newNodeFolder, programOf } from "./installed.js";
import { isLoopbackOnly } from "./loopback-only.js";
import { playMain } from "./main-scenario.js";
import { playRough } from "./rough-scenario.js";
import { playTwice } from "./twice-scenario.js";

/** The time limit of a test. It is long, because a busy machine takes far longer than a quiet one. */
const TIMEOUT_MS = 400_000;
/** The number of clients that run at the same time. Each keeps a processor busy while it starts. */
const CLIENTS_TOGETHER = 2;

/**
 * The number of clients that run the scenario with a faulty server, besides the first one. They are sampled with the
 * run's seed.
 */
const ROUGH_SAMPLE = 3;

const chosen = process.env["KOOR_TEST_CLIENT"];
const clients = AGENT_CLIENTS.filter(({ label }) => chosen === undefined || label === chosen);
const [first, ...others] = clients;
const rough = new Set([first, ...sampleSome(others, ROUGH_SAMPLE)]);
const copilot = clients.find(({ label }) => label === "copilot");

function reasonToSkip(client: AgentClient): string | false {
  const form = longFormOnly();
  if (form !== false) return form;
  if (programOf(client) === undefined)
    return `${client.package} ${client.version} is not installed: node dist/tree/test/clients/install.js`;
  return client.needsNewNode && newNodeFolder() === undefined ? "it needs a newer Node, which is not installed" : false;
}

/** Shows all hook calls of a client with their answers, if KOOR_TEST_SHOW is set. */
function showHooks(test: Test, { client, gate }: AgentPlace): void {
  if (process.env["KOOR_TEST_SHOW"] === undefined) return;
  for (const call of gate.calls)
    test.comment(`${client.label}/${call.client} ${JSON.stringify(call.input)} => ${call.answer}`);
}

/** Registers a test of a client in its own environment. */
function register(
  client: AgentClient,
  name: string,
  play: (test: Test, place: AgentPlace) => Promise<void>,
  flags?: readonly string[],
): void {
  const options = { skip: reasonToSkip(client), buffered: true, timeout: TIMEOUT_MS };
  void t.test(`${client.label}: ${name}`, options, async (test) => {
    const place = await makePlace(test, client, flags);
    await play(test, place);
    showHooks(test, place);
  });
}

t.jobs = CLIENTS_TOGETHER;
t.comment(isLoopbackOnly() ? "the network is loopback only" : "no namespaces here: only refusing proxies");
// The order is reversed, because the last rows have the slowest clients.
for (const client of clients.toReversed()) {
  register(client, "files that others hold", playMain);
  if (rough.has(client)) register(client, "a server that is not well", playRough);
}
if (copilot !== undefined)
  register(copilot, "one call under two names", playTwice, ["--shared", "--client", "claude", "--client", "copilot"]);
