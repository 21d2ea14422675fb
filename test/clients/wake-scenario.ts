/**
 * Tests that real idle agent clients are woken. Claude Code, on a terminal, is woken by a request of another agent, and
 * by an agent that waits for a lease of the session. Codex is woken by requests, on a terminal and without one. Runs in
 * the test's process.
 */
import { symlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import t from "tap";
import { longFormOnly } from "../support/test-size.js";
import { type AgentPlace, FREE_FILE, HOLDER, type InstanceShown, makePlace } from "./agent-place.js";
import { AGENT_CLIENTS, type AgentClient } from "./clients.js";
import { programOf } from "./installed.js";
import { promptFor } from "./model-script.js";
import { canMakeTerminal, startInTerminal } from "./terminal.js";

const TIMEOUT_MS = 120_000;
/** The maximum time until an idle session acts on a request (section 29 of the contract). */
const WAKE_MS_MAX = 5_000;
const FIRST_SUBJECT = "please look at the trucks";
const SECOND_SUBJECT = "and at the trailers";

function find(label: string): AgentClient {
  const client = AGENT_CLIENTS.find((candidate) => candidate.label === label);
  if (client === undefined) throw new Error(`no client ${label}`);
  return client;
}

function reasonToSkip(client: AgentClient): string | false {
  const form = longFormOnly();
  if (form !== false) return form;
  if (programOf(client) === undefined)
    return `${client.package} ${client.version} is not installed: node dist/tree/test/clients/install.js`;
  return canMakeTerminal() ? false : "the machine has no `script`, which makes terminals";
}

/** Answers the questions that Claude Code asks at its first start in a folder. */
function answerQuestions({ home, project }: AgentPlace): void {
  const trusted = {
    hasTrustDialogAccepted: true,
    hasCompletedProjectOnboarding: true,
    enabledMcpjsonServers: ["koor"],
  };
  const answers = {
    hasCompletedOnboarding: true,
    theme: "dark",
    customApiKeyResponses: { approved: ["key"], rejected: [] },
    projects: { [project]: trusted },
  };
  writeFileSync(join(home, ".claude.json"), JSON.stringify(answers));
}

/** Returns a text in the form in which a JSON string contains it. */
function inJson(text: string): string {
  return JSON.stringify(text).slice(1, -1);
}

/**
 * Resolves when the next waiter of the session has checked the current state and waits.
 * @param isSame whether it may be a waiter that has waited before
 */
function nextWaiter({ gate }: AgentPlace, isSame = false): Promise<void> {
  return new Promise((resolve) => {
    let hasBegun = isSame;
    gate.onPassed = (path) => {
      if (!path.startsWith("/api/wait?")) return;
      hasBegun ||= !path.includes("&after=");
      if (hasBegun && /&wait=[1-9]/.test(path)) resolve();
    };
  });
}

async function playClaude(client: AgentClient): Promise<void> {
  await t.test("an idle Claude Code", { skip: reasonToSkip(client), timeout: TIMEOUT_MS }, async (t) => {
    const place = await makePlace(t, client);
    const { endpoint, path } = place;
    answerQuestions(place);
    const { tools } = client;
    endpoint.scripts = {
      main: [{ calls: [tools.read(path(FREE_FILE))] }, { calls: [tools.edit(path(FREE_FILE), "before", "after")] }],
    };
    const holder = await place.register(HOLDER);
    let idle = nextWaiter(place);
    const flags = "--permission-mode acceptEdits";
    const terminal = startInTerminal(t, place, `${programOf(client) ?? ""} ${flags} '${promptFor("main")}'`);
    t.teardown(() => {
      if (!t.passing()) t.comment(terminal.screen());
    });
    await idle;
    const turns = endpoint.of("main").length;
    const session = (await place.instances()).find(({ name }) => name.startsWith("claude-"))?.id;
    const ask = async (subject: string): Promise<string> => {
      const startMs = performance.now();
      idle = nextWaiter(place);
      await place.call("POST", "/api/messages", { as: holder, body: { to: [session], subject, intent: "request" } });
      const { body } = await endpoint.heard("main", subject);
      const tookMs = Math.round(performance.now() - startMs);
      t.ok(tookMs <= WAKE_MS_MAX, `"${subject}" wakes it after ${tookMs} ms`);
      await idle;
      return body;
    };
    t.match(await ask(FIRST_SUBJECT), inJson(`from agent "${HOLDER}": "${FIRST_SUBJECT}"`), "it reads the line");
    const last = await ask(SECOND_SUBJECT);
    t.equal(endpoint.of("main").length, turns + 2, "each request wakes it once");
    t.equal(last.split(FIRST_SUBJECT).length - 1, 1, "and stands in its context once");
    const waits = inJson(`waits for "path:${FREE_FILE}"`);
    idle = nextWaiter(place);
    await place.lease(holder, FREE_FILE, { queue: true });
    await endpoint.heard("main", waits);
    t.pass("an agent that waits for its file wakes it");
    await idle;
    t.match(await place.leasesOf(FREE_FILE), [{ holder: { id: holder } }], "and has the file at the end of that turn");
  });
}

/** Compares two instances by age. Newer ones come first. */
function byAge(one: InstanceShown, other: InstanceShown): number {
  return other.registered_at.localeCompare(one.registered_at);
}

/** On a terminal, Codex checks for queued lines every 10 s. */
async function playCodex(client: AgentClient): Promise<void> {
  await t.test("an idle Codex", { skip: reasonToSkip(client), timeout: TIMEOUT_MS }, async (t) => {
    const place = await makePlace(t, client);
    const { endpoint, home, gate } = place;
    const program = programOf(client) ?? "";
    symlinkSync(program, join(home, "bin", "codex"));
    endpoint.scripts = { main: [] };
    const holder = await place.register(HOLDER);
    const wake = async (session: string, subject: string, by: string): Promise<void> => {
      const idle = nextWaiter(place);
      const waker = place.startCli("wake", "codex", session);
      await Promise.race([idle, waker.ended]);
      const instance = (await place.instances()).toSorted(byAge).find(({ name }) => name.startsWith("codex-"))?.id;
      await place.call("POST", "/api/messages", { as: holder, body: { to: [instance], subject, intent: "request" } });
      const again = nextWaiter(place, true);
      const { body } = await endpoint.heard("main", subject);
      t.match(body, inJson(`from agent "${HOLDER}": "${subject}"`), `${by}: it reads the line`);
      await Promise.race([again, waker.ended]);
      waker.kill("SIGTERM");
      const { output } = await waker.ended;
      t.match(output, `"by":"${by}"`, `${by}: the command says how`);
      const count = endpoint.of("main").filter((request) => request.body.includes(subject)).length;
      t.equal(count, 1, `${by}: once`);
    };
    await place.run("main");
    await wake(place.sessionId(), FIRST_SUBJECT, "turn");
    const stopped = gate.nextCall((call) => call.input["hook_event_name"] === "Stop");
    startInTerminal(t, place, `${program} --dangerously-bypass-hook-trust '${promptFor("main")}'`);
    const { input } = await stopped;
    await wake(String(input["session_id"]), SECOND_SUBJECT, "queue");
  });
}

await playClaude(find("claude"));
await playCodex(find("codex-code"));
