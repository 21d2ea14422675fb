/** When the pruner asks, and for how long, with time injected and a writer that is played by the test. */
import t from "tap";
import { Compile } from "typebox/compile";
import { METHODS, METHOD_NAMES } from "../../schemas/methods.js";
import { FRAME, type CallFrame, type Frame } from "../rpc/frames.js";
import type { Log } from "../base/log.js";
import { Failure } from "../base/result.js";
import { RpcClient } from "../rpc/client.js";
import { EventPruner } from "./pruner.js";

const INTERVAL_MS = 60_000;

/** The writer's end: what was asked, and a way to answer it. */
class Writer {
  readonly client = new RpcClient({ clock: { now: () => 0 } });
  readonly calls: CallFrame[] = [];
  #answer: (frames: readonly Frame[]) => void = () => undefined;

  constructor() {
    this.client.attach({
      postMessage: (frames) =>
        void this.calls.push(
          ...(frames as readonly Frame[]).filter((frame): frame is CallFrame => frame[0] === FRAME.CALL),
        ),
      on: (_event, listener) => {
        this.#answer = listener;
      },
      off: () => undefined,
    });
  }

  /** Answers the newest call, and lets the pruner go on. */
  async reply(removed: number, more: boolean): Promise<void> {
    this.#answer([[FRAME.REPLY, this.calls.at(-1)?.[1] ?? 0, { removed, more }]]);
    await turn();
  }
}

async function turn(): Promise<void> {
  for (let at = 0; at < 2; at++) await new Promise((resolve) => setImmediate(resolve));
}

function makePruner(keep: number): { readonly pruner: EventPruner; readonly writer: Writer; readonly lines: string[] } {
  const lines: string[] = [];
  const quiet = (): void => undefined;
  const log: Log = {
    debugs: true,
    infos: false,
    info: quiet,
    warn: quiet,
    error: quiet,
    close: () => Promise.resolve(),
    debug: (message, fields) => lines.push(`${message} ${String(fields?.["removed"])}`),
  };
  const writer = new Writer();
  return { pruner: new EventPruner(writer.client, keep, INTERVAL_MS, log, 1000), writer, lines };
}

t.test("it asks once an interval, until there is no more", async (t) => {
  const { pruner, writer, lines } = makePruner(500);
  pruner.tick(1000 + INTERVAL_MS - 1);
  await turn();
  t.equal(writer.calls.length, 0, "not before the interval is over");
  pruner.tick(1000 + INTERVAL_MS);
  await turn();
  t.equal(writer.calls.length, 1);
  const [, , method, , , , request] = writer.calls[0] as CallFrame;
  t.equal(METHOD_NAMES[method], "events.prune");
  t.same(request, { keep: 500 });
  t.ok(Compile(METHODS["events.prune"].request).Check(request), "as the table of methods has it");

  pruner.tick(10 * INTERVAL_MS);
  await turn();
  t.equal(writer.calls.length, 1, "one at a time");
  await writer.reply(2000, true);
  t.equal(writer.calls.length, 2, "a step at a time");
  await writer.reply(30, false);
  t.equal(writer.calls.length, 2);
  t.same(lines, ["events pruned 2030"]);

  pruner.tick(10 * INTERVAL_MS);
  await turn();
  t.equal(writer.calls.length, 3, "and again");
  await writer.reply(0, false);
  t.equal(lines.length, 1, "nothing is said of nothing");
});

t.test("a writer that is away is asked at the next interval", async (t) => {
  const { pruner, writer } = makePruner(500);
  pruner.tick(1000 + INTERVAL_MS);
  await turn();
  writer.client.detach(new Failure("UNAVAILABLE", "restarting"));
  await turn();
  pruner.tick(1000 + INTERVAL_MS + 1);
  await turn();
  t.equal(writer.calls.length, 1);
  const back = new Writer();
  writer.client.attach({
    postMessage: (frames) => void back.calls.push(...(frames as CallFrame[])),
    on: () => undefined,
    off: () => undefined,
  });
  pruner.tick(1000 + 2 * INTERVAL_MS);
  await turn();
  t.equal(back.calls.length, 1);
});

t.test("0 keeps all", async (t) => {
  const { pruner, writer } = makePruner(0);
  pruner.tick(100 * INTERVAL_MS);
  await turn();
  t.equal(writer.calls.length, 0);
});
