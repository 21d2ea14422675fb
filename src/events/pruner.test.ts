/** Tests when and how often the pruner asks the writer, with injected time and a simulated writer. */
import t from "tap";
import { Compile } from "typebox/compile";
import { FakeWriter, settle } from "../../test/threads/fake-writer.js";
import { pruneEvents } from "./commands.js";
import { EventPruner } from "./pruner.js";
import { quietLog } from "../../test/support/quiet-log.js";

const INTERVAL_MS = 60_000;

function makePruner(keep: number): {
  readonly pruner: EventPruner;
  readonly played: FakeWriter;
  /** Answers the newest call, and lets the pruner continue. */
  readonly reply: (removed: number, more: boolean) => Promise<void>;
  readonly lines: string[];
} {
  const lines: string[] = [];
  const log = quietLog({
    debugs: true,
    debug: (message, fields) => lines.push(`${message} ${String(fields?.["removed"])}`),
  });
  const played = new FakeWriter();
  const { writer, calls } = played;
  const pruner = new EventPruner({ writer, keep, interval_ms: INTERVAL_MS, log, now_ms: 1000 });
  const reply = async (removed: number, more: boolean): Promise<void> => {
    calls.at(-1)?.answer({ removed, more });
    await settle();
  };
  return { pruner, played, reply, lines };
}

t.test("it asks once an interval, until nothing is left to prune", async (t) => {
  const { pruner, played, reply, lines } = makePruner(500);
  pruner.tick(1000 + INTERVAL_MS - 1);
  await settle();
  t.equal(played.calls.length, 0, "not before the interval is over");
  pruner.tick(1000 + INTERVAL_MS);
  await settle();
  t.equal(played.calls.length, 1);
  t.match(played.calls[0], { name: "events.prune", request: { keep: 500 } });
  t.same(played.asked(0), { keep: 500 });
  t.ok(Compile(pruneEvents.request).Check(played.asked(0)), "as the method's row has it");

  pruner.tick(10 * INTERVAL_MS);
  await settle();
  t.equal(played.calls.length, 1, "one at a time");
  await reply(2000, true);
  t.equal(played.calls.length, 2, "a step at a time");
  await reply(30, false);
  t.equal(played.calls.length, 2);
  t.same(lines, ["events pruned 2030"]);

  pruner.tick(10 * INTERVAL_MS);
  await settle();
  t.equal(played.calls.length, 3, "and again");
  await reply(0, false);
  t.equal(lines.length, 1, "nothing is said of nothing");
});

t.test("an unavailable writer is asked again at the next interval", async (t) => {
  const { pruner, played } = makePruner(500);
  pruner.tick(1000 + INTERVAL_MS);
  await settle();
  played.leave();
  await settle();
  pruner.tick(1000 + INTERVAL_MS + 1);
  await settle();
  t.equal(played.calls.length, 1);
  played.connect();
  pruner.tick(1000 + 2 * INTERVAL_MS);
  await settle();
  t.equal(played.calls.length, 2);
});

t.test("0 keeps all events", async (t) => {
  const { pruner, played } = makePruner(0);
  pruner.tick(100 * INTERVAL_MS);
  await settle();
  t.equal(played.calls.length, 0);
});
