import t from "tap";
import { ConnectionLimit, connectionsMax } from "./connection-limit.js";

t.test("connections beyond the limit are refused until others are closed", (t) => {
  let refused = 0;
  const limit = new ConnectionLimit(2, () => {
    refused += 1;
  });
  t.same([limit.enter(), limit.enter(), limit.enter()], [true, true, false]);
  t.equal(refused, 1);
  limit.leave();
  t.equal(limit.enter(), false, "the one that is refused counts until it is closed");
  limit.leave();
  limit.leave();
  t.equal(limit.enter(), true);
  t.equal(limit.open, 2);
  t.end();
});

t.test("the server keeps what it may need; where there are few, at least two thirds", (t) => {
  t.equal(connectionsMax(null, 128), Number.POSITIVE_INFINITY);
  t.equal(connectionsMax({ max: 20_000, open: 40 }, 128), 19_832);
  t.equal(connectionsMax({ max: 256, open: 40 }, 128), 88);
  t.equal(connectionsMax({ max: 128, open: 40 }, 128), 29);
  t.equal(connectionsMax({ max: 64, open: 40 }, 128), 8);
  t.equal(connectionsMax({ max: 30, open: 40 }, 128), 1);
  t.end();
});
