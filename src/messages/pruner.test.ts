/** Tests when messages are pruned, with injected time and a simulated writer. */
import t from "tap";
import { Compile } from "typebox/compile";
import { quietLog } from "../../test/support/quiet-log.js";
import { FakeWriter, settle } from "../../test/threads/fake-writer.js";
import { pruneMessages } from "./commands.js";
import { MessagePruner } from "./pruner.js";

const INTERVAL_MS = 60_000;
const START_MS = 1_000;

function setUp() {
  const lines: string[] = [];
  const log = quietLog({
    debugs: true,
    debug: (message, fields) => lines.push(`${message} ${String(fields?.["removed"])}`),
  });
  const played = new FakeWriter();
  const boxes = { expires_at: null as number | null };
  const { writer, calls } = played;
  const pruner = new MessagePruner({ writer, boxes, interval_ms: INTERVAL_MS, log, now_ms: START_MS });
  const reply = async (removed: number, more: boolean): Promise<void> => {
    calls.at(-1)?.answer({ removed, more });
    await settle();
  };
  return { pruner, played, boxes, reply, lines };
}

t.test("it prunes once an interval, in steps", async (t) => {
  const { pruner, played, reply, lines } = setUp();
  pruner.tick(START_MS + INTERVAL_MS - 1);
  await settle();
  t.equal(played.calls.length, 0);
  pruner.tick(START_MS + INTERVAL_MS);
  await settle();
  t.match(played.calls, [{ name: "message.prune" }]);
  t.ok(Compile(pruneMessages.request).Check(played.asked(0)), "as the method's row has it");
  await reply(200, true);
  t.equal(played.calls.length, 2);
  await reply(3, false);
  t.equal(played.calls.length, 2);
  t.same(lines, ["messages pruned 203"]);
  await pruner.close();
});

t.test("it prunes as soon as a message has expired", async (t) => {
  const { pruner, played, boxes, reply } = setUp();
  boxes.expires_at = START_MS + 500;
  pruner.tick(START_MS + 499);
  await settle();
  t.equal(played.calls.length, 0);
  pruner.tick(START_MS + 500);
  await settle();
  t.equal(played.calls.length, 1);
  boxes.expires_at = null;
  await reply(1, false);
  pruner.tick(START_MS + 600);
  await settle();
  t.equal(played.calls.length, 1);
  await pruner.close();
});

t.test("a writer that refuses is asked again at the next interval", async (t) => {
  const { pruner, played, boxes, reply } = setUp();
  boxes.expires_at = START_MS;
  pruner.tick(START_MS + 100);
  await settle();
  played.leave();
  await settle();
  pruner.tick(START_MS + 200);
  await settle();
  t.equal(played.calls.length, 1, "an unavailable writer is not asked");
  played.connect();
  pruner.tick(START_MS + 300);
  await settle();
  t.equal(played.calls.length, 1);
  pruner.tick(START_MS + 100 + INTERVAL_MS);
  await settle();
  t.equal(played.calls.length, 2);
  await reply(1, false);
  pruner.tick(START_MS + 200 + INTERVAL_MS);
  await settle();
  t.equal(played.calls.length, 3, "and at once again");
  boxes.expires_at = null;
  await reply(0, false);
  await pruner.close();
});
