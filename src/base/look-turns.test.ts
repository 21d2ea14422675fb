import t from "tap";
import { TIME_SLICE_MS } from "../../schemas/limits/process.js";
import { LookTurns } from "./look-turns.js";
import { Waiter } from "./waiter.js";

/** LookTurns with a clock and with event-loop ticks that the test controls. */
class World {
  nowMs = 0;
  readonly #due: (() => void)[] = [];
  readonly turns = new LookTurns({ now: () => this.nowMs, later: (run) => void this.#due.push(run) });

  get isIdle(): boolean {
    return this.#due.length === 0;
  }

  /** Runs one tick, with the microtasks of its tasks. */
  async tick(): Promise<void> {
    for (const run of this.#due.splice(0)) run();
    for (let at = 0; at < 10 * TIME_SLICE_MS; at++) await new Promise<void>((resolve) => process.nextTick(resolve));
  }
}

t.test("waiters that are woken at once look in slices, in order", async (t) => {
  const world = new World();
  const looked: number[] = [];
  const count = 20;
  const waiters = Array.from({ length: count }, (_, at) => {
    const look = async (): Promise<null> => {
      looked.push(at);
      await Promise.resolve();
      world.nowMs += 1;
      return null;
    };
    return new Waiter<never>(
      look,
      () => undefined,
      (error) => t.fail(String(error)),
      world.turns,
    );
  });
  for (const waiter of waiters) waiter.wake();
  for (const waiter of waiters) waiter.wake();
  const perTick: number[] = [];
  while (!world.isIdle) {
    const before = looked.length;
    await world.tick();
    perTick.push(looked.length - before);
  }
  t.same(
    looked,
    waiters.map((_, at) => at),
  );
  t.ok(Math.max(...perTick) <= TIME_SLICE_MS + 1, perTick.join());
});

t.test("a waiter that wakes itself in its look does not keep the others waiting", async (t) => {
  const world = new World();
  let looks = 0;
  const restless: Waiter<never> = new Waiter<never>(
    () => {
      looks += 1;
      if (looks < 3) restless.wake();
      return null;
    },
    () => undefined,
    (error) => t.fail(String(error)),
    world.turns,
  );
  restless.wake();
  await world.tick();
  t.equal(looks, 1, "its next look is in the next tick");
  await world.tick();
  t.equal(looks, 2);
});
