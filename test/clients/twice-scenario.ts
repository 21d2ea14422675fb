/**
 * A scenario with a client that also runs the hooks of another client: Copilot CLI runs those of Claude Code. Each of
 * its tool calls is reported under both names, and must take effect once. Runs in the test's process.
 */
import type { Test } from "tap";
import { type AgentPlace, FREE_FILE, FREE_TEXT, HELD_FILE, HELD_TEXT, HOLDER, WELCOME } from "./agent-place.js";

export async function playTwice(test: Test, place: AgentPlace): Promise<void> {
  const { client, endpoint, gate, path } = place;
  const { tools } = client;
  const holder = await place.register(HOLDER);
  await place.lease(holder, HELD_FILE);
  let leases = 0;
  endpoint.scripts = {
    twice: [
      { calls: [tools.read(path(HELD_FILE)), tools.read(path(FREE_FILE))] },
      { calls: [tools.edit(path(HELD_FILE), "committed", "overwritten")] },
      { calls: [tools.edit(path(FREE_FILE), "before", "after")] },
      {
        calls: [],
        text: "Done.",
        before: async () => {
          leases = (await place.leasesOf(FREE_FILE)).length;
        },
      },
    ],
  };
  const { code, output } = await place.run("twice");
  test.equal(code, 0, "the client ends well");
  const edits = gate.calls.filter(
    ({ input }) => input["hook_event_name"] === "PreToolUse" && input["tool_name"] === "Edit",
  );
  test.same([...new Set(edits.map((call) => call.client))].toSorted(), ["claude", "copilot"], "calls have both names");
  test.equal(place.read(HELD_FILE), HELD_TEXT, "a held file is unchanged");
  test.equal(place.read(FREE_FILE), FREE_TEXT.replace("before", "after"), "a free one is changed");
  test.equal(leases, 1, "with one lease");
  const others = (await place.instances()).filter(({ name }) => name !== HOLDER);
  test.equal(others.length, 1, "the session is one instance");
  const named = gate.calls.filter(({ answer = "" }) => answer.includes(WELCOME));
  test.equal(named.length, 1, "the session is told its name once");
  const [last] = endpoint.of("twice").slice(-1);
  test.match(last?.body, WELCOME, "and the model hears it");
  if (!test.passing()) test.comment(output);
}
