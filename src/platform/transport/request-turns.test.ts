import t from "tap";
import { REQUEST_BYTES_A_COUNT, REQUESTS_PER_TICK, REQUESTS_TICK_MS } from "../../../schemas/limits/answers.js";
import { RequestTurns } from "./request-turns.js";

/** A RequestTurns, with a clock and event-loop ticks that the test controls. */
class World {
  nowMs = 0;
  readonly #due: (() => void)[] = [];
  readonly turns = new RequestTurns({ now: () => this.nowMs, later: (run) => void this.#due.push(run) });

  /** Runs a tick. Then runs the microtasks of the requests that the tick has handled. */
  async tick(): Promise<void> {
    for (const run of this.#due.splice(0)) run();
    for (let at = 0; at < REQUESTS_PER_TICK; at++) await new Promise<void>((resolve) => process.nextTick(resolve));
  }
}

t.test("a tick is over when it has handled many requests and taken long", async (t) => {
  const world = new World();
  const { turns } = world;
  for (let at = 0; at < REQUESTS_PER_TICK; at++) t.notOk(turns.isOver(), "few");
  t.notOk(turns.isOver(), "many, but not long");
  world.nowMs += REQUESTS_TICK_MS + 1;
  t.ok(turns.isOver(), "many, and long");
  t.ok(turns.isOver());
  await world.tick();
  t.notOk(turns.isOver(), "the next tick starts at zero");
});

t.test("a few slow requests are all handled", (t) => {
  const world = new World();
  for (let at = 0; at < REQUESTS_PER_TICK; at++) {
    t.notOk(world.turns.isOver());
    world.nowMs += 1;
  }
  t.end();
});

t.test("requests that wait are handled in order, each tick as many as it has room for", async (t) => {
  const world = new World();
  const handled: number[] = [];
  const count = 3 * REQUESTS_PER_TICK;
  for (let at = 0; at < count; at++) {
    world.turns.add(
      () => "one",
      () => {
        handled.push(at);
        // The time that a handler spends in microtasks counts, too.
        void Promise.resolve().then(() => {
          world.nowMs += 1;
        });
      },
    );
  }
  t.same(handled, [], "not in the tick in which they came");
  const perTick: number[] = [];
  while (handled.length < count) {
    const before = handled.length;
    await world.tick();
    perTick.push(handled.length - before);
  }
  t.same(perTick, [REQUESTS_PER_TICK, REQUESTS_PER_TICK, REQUESTS_PER_TICK]);
  t.same(
    handled,
    Array.from({ length: count }, (_, at) => at),
  );
});

t.test("a request with a long body counts several times", async (t) => {
  const world = new World();
  const handled: number[] = [];
  const take = (at: number) => (): void => {
    handled.push(at);
    world.nowMs += REQUESTS_TICK_MS / 2 + 1;
  };
  for (let at = 0; at < 6; at++) world.turns.add(() => "one", take(at), REQUESTS_PER_TICK * REQUEST_BYTES_A_COUNT);
  const perTick: number[] = [];
  while (handled.length < 6) {
    const before = handled.length;
    await world.tick();
    perTick.push(handled.length - before);
  }
  t.same(perTick, [2, 2, 2]);
});

t.test("requests for which a tick has no time wait, and their clients take turns", async (t) => {
  const world = new World();
  const handled: string[] = [];
  const add = (client: string): void =>
    world.turns.add(
      () => client,
      () => {
        handled.push(client);
        world.nowMs += REQUESTS_TICK_MS;
      },
    );
  for (let at = 0; at < REQUESTS_PER_TICK + 3; at++) add("many");
  for (const client of ["few", "other"]) add(client);
  await world.tick();
  t.same(handled, Array(REQUESTS_PER_TICK).fill("many"), "in the order of their arrival while there is time");
  add("late");
  handled.splice(0);
  await world.tick();
  t.same(handled, ["many", "few", "other", "late", "many", "many"]);
});

t.test("no client is told apart while a tick has time for all", async (t) => {
  const world = new World();
  let handled = 0;
  for (let at = 0; at < 3 * REQUESTS_PER_TICK; at++)
    world.turns.add(
      () => t.fail("told apart") as never,
      () => void handled++,
    );
  await world.tick();
  t.equal(handled, 3 * REQUESTS_PER_TICK);
});
