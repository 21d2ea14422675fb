import t from "tap";
import { PINGS_PER_TICK } from "../../../schemas/limits/events.js";
import { PingRounds, type Pinged } from "./ping-rounds.js";

t.test("many sockets are pinged over several ticks, and one that has gone is not", (t) => {
  const due: (() => void)[] = [];
  const sockets = new Set<Pinged>();
  let pings = 0;
  for (let at = 0; at < 2 * PINGS_PER_TICK + 2; at++) sockets.add({ check: () => (pings += 1) });
  const rounds = new PingRounds(sockets, (run) => due.push(run));
  rounds.check();
  t.equal(pings, PINGS_PER_TICK);
  due.shift()?.();
  t.equal(pings, 2 * PINGS_PER_TICK);
  const [last] = [...sockets].slice(-1);
  if (last !== undefined) sockets.delete(last);
  due.shift()?.();
  t.equal(pings, 2 * PINGS_PER_TICK + 1);
  t.same(due, []);
  t.end();
});
