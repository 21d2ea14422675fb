/** Tests the monotonic clock while the machine's clock is set forward and back. */
import t from "tap";
import { MonotonicClock } from "./clock.js";

t.test("time moves forward, whatever the machine's clock does", (t) => {
  let machine = 1_000_000;
  let elapsed = 5;
  const pass = (ms: number): void => {
    machine += ms;
    elapsed += ms;
  };
  const clock = new MonotonicClock({ now: () => Math.floor(machine) }, 0, () => elapsed);
  t.equal(clock.now(), 1_000_000);
  pass(10);
  t.equal(clock.now(), 1_000_010);
  machine -= 3_600_000;
  t.equal(clock.now(), 1_000_010, "it was set back by an hour");
  for (let count = 0; count < 1_000; count++) {
    pass(0.5);
    clock.now();
  }
  t.equal(clock.now(), 1_000_510, "small steps lose no time");
  machine += 7_200_000;
  t.equal(clock.now(), machine, "it follows a clock that is set ahead");
  t.end();
});

t.test("it begins at its floor", (t) => {
  let machine = 100;
  let elapsed = 0;
  const clock = new MonotonicClock({ now: () => machine }, 500, () => elapsed);
  t.equal(clock.now(), 500);
  elapsed = 20;
  t.equal(clock.now(), 520);
  const still = new MonotonicClock({ now: () => machine }, 500);
  machine = 400;
  t.equal(still.now(), 500, "without the elapsed time it waits");
  machine = 501;
  t.equal(still.now(), 501);
  t.end();
});
