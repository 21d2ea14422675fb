/**
 * A scenario with a faulty server. It refuses connections, answers with something else, gives no answer, and restarts.
 * No hook call may make the client or its tool fail. After the restart, the session must still have its leases. Then
 * the client makes an edit of almost 1 MiB, and a larger one. Runs in the test's process.
 */
import type { Test } from "tap";
import {
  type AgentPlace,
  FREE_TEXT,
  HELD_FILE,
  HELD_TEXT,
  HOLDER,
  HUGE_FILE,
  LARGE_FILE,
  ROUGH_FILES,
} from "./agent-place.js";
import type { GateMode } from "./hook-gate.js";
import type { Turn } from "./model-script.js";

const KIB = 1024;
/** The text is shorter than 1 MiB, because the server reads 1 MiB of a hook call, and the call has other parts. */
const LARGE_TEXT = "x".repeat(900 * KIB);
const HUGE_TEXT = "x".repeat(1_200 * KIB);
const MODES: readonly GateMode[] = ["closed", "garbage", "html", "error", "silent"];
const HELD_TURN = 1 + MODES.length;

export async function playRough(test: Test, place: AgentPlace): Promise<void> {
  const { client, endpoint, gate, path } = place;
  const { tools } = client;
  const holder = await place.register(HOLDER);
  await place.lease(holder, HELD_FILE);
  let holders: readonly (readonly string[])[] = [];
  const read = [HELD_FILE, ...ROUGH_FILES, LARGE_FILE, HUGE_FILE].map((name) => tools.read(path(name)));
  const disturbed = ROUGH_FILES.map(
    (name, at): Turn => ({
      calls: [tools.edit(path(name), "before", "after")],
      before: () => {
        gate.mode = MODES[at] ?? "open";
      },
    }),
  );
  const large: readonly Turn[] = [
    { calls: [tools.edit(path(LARGE_FILE), "before", LARGE_TEXT)] },
    { calls: [tools.edit(path(HUGE_FILE), "before", HUGE_TEXT)] },
  ];
  const restart = async (): Promise<void> => {
    gate.mode = "open";
    await place.restartServer(test);
  };
  const look = async (): Promise<void> => {
    const found = await Promise.all([HELD_FILE, LARGE_FILE, HUGE_FILE].map((name) => place.leasesOf(name)));
    holders = found.map((leases) => leases.map((lease) => lease.holder.name));
  };
  endpoint.scripts = {
    rough: [
      { calls: read },
      ...disturbed,
      { calls: [tools.edit(path(HELD_FILE), "committed", "overwritten")], before: restart },
      ...(client.takesLargeEdits ? large : []),
      { calls: [], text: "Done.", before: look },
    ],
  };
  const { code, output } = await place.run("rough");
  test.equal(code, 0, "the client ends well");
  for (const [at, name] of ROUGH_FILES.entries())
    test.equal(place.read(name), FREE_TEXT.replace("before", "after"), `an edit happens, server: ${MODES[at]}`);
  const [before, after] = [HELD_TURN, HELD_TURN + 1].map(
    (turn) =>
      endpoint
        .of("rough")
        .find((request) => request.turn === turn)
        ?.body.split(HOLDER).length ?? 0,
  );
  test.ok((after ?? 0) > (before ?? 0), "after a restart of the server the model hears who holds a file");
  if (client.isDenied) test.equal(place.read(HELD_FILE), HELD_TEXT, "and the file is unchanged");
  const names = (await place.instances()).map(({ name }) => name).filter((name) => name !== HOLDER);
  test.equal(names.length, 1, "all of it was one session");
  if (client.takesLargeEdits) {
    test.equal(place.read(LARGE_FILE).length, LARGE_TEXT.length + 1, "an edit of almost 1 MiB happens");
    test.equal(place.read(HUGE_FILE).length, HUGE_TEXT.length + 1, "and one of more");
    test.same(holders, [[HOLDER], names, []], "the first one is leased, and the other one is let through");
  }
  if (!test.passing()) test.comment(output.slice(-4000));
}
