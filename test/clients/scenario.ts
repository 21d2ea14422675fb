/** Registers the tests of all agent clients, and says which are skipped, and why. Runs in the test's process. */
import t, { type Test } from "tap";
import { longFormOnly } from "../support/test-size.js";
import { type AgentPlace, makePlace } from "./agent-place.js";
import { AGENT_CLIENTS, type AgentClient } from "./clients.js";
import { newNodeFolder, programOf } from "./installed.js";
import { isLoopbackOnly } from "./loopback-only.js";
import { playMain } from "./main-scenario.js";
import { playRough } from "./rough-scenario.js";
import { playTwice } from "./twice-scenario.js";

/** A busy machine takes far longer than a quiet one. */
const TIMEOUT_MS = 240_000;
/** Clients at a time: each keeps a core busy while it starts. */
const CLIENTS_TOGETHER = 2;

const SCENARIOS = [
  ["files that others hold", playMain],
  ["a server that is not well", playRough],
] as const;

const chosen = process.env["KOOR_TEST_CLIENT"];
const clients = AGENT_CLIENTS.filter(({ label }) => chosen === undefined || label === chosen);

function reasonToSkip(client: AgentClient): string | false {
  const form = longFormOnly();
  if (form !== false) return form;
  if (programOf(client) === undefined)
    return `${client.package} ${client.version} is not installed: node dist/tree/test/clients/install.js`;
  return client.needsNewNode && newNodeFolder() === undefined ? "it needs a newer Node, which is not installed" : false;
}

/** With KOOR_TEST_SHOW, shows all hooks of a client with the answers. */
function showHooks(test: Test, { client, gate }: AgentPlace): void {
  if (process.env["KOOR_TEST_SHOW"] === undefined) return;
  for (const { input, answer } of gate.calls) test.comment(`${client.label} ${JSON.stringify(input)} => ${answer}`);
}

const copilot = AGENT_CLIENTS.find(({ label }) => label === "copilot");

t.jobs = CLIENTS_TOGETHER;
t.comment(isLoopbackOnly() ? "the network is loopback only" : "no namespaces here: the clients get refusing proxies");
for (const client of clients) {
  const skip = reasonToSkip(client);
  for (const [name, play] of SCENARIOS)
    void t.test(`${client.label}: ${name}`, { skip, buffered: true, timeout: TIMEOUT_MS }, async (test) => {
      const place = await makePlace(test, client);
      await play(test, place);
      showHooks(test, place);
    });
}
if (copilot !== undefined && clients.includes(copilot))
  void t.test(
    "copilot: one call under two names",
    { skip: reasonToSkip(copilot), buffered: true, timeout: TIMEOUT_MS },
    async (test) => {
      const place = await makePlace(test, copilot, ["--shared", "--client", "claude", "--client", "copilot"]);
      await playTwice(test, place);
      showHooks(test, place);
    },
  );
