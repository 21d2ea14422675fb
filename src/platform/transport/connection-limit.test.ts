import t from "tap";
import { ConnectionLimit, connectionShares } from "./connection-limit.js";

t.test("connections beyond the limit are refused until others are closed", (t) => {
  let refused = 0;
  const limit = new ConnectionLimit(2, () => {
    refused += 1;
  });
  t.same([limit.enter(), limit.enter(), limit.enter()], [true, true, false]);
  t.equal(refused, 1);
  limit.leave();
  t.equal(limit.enter(), false, "a refused connection counts until it is closed");
  limit.leave();
  limit.leave();
  t.equal(limit.enter(), true);
  t.equal(limit.open, 2);
  t.end();
});

t.test("the server keeps the descriptors that it may need; with few of them it keeps half", (t) => {
  const shares = (max: number): readonly number[] => {
    const { clientsMax, outboundMax } = connectionShares({ max, open: 40 }, 128, 2_048);
    return [clientsMax, outboundMax];
  };
  t.same(connectionShares(null, 128, 2_048), { clientsMax: Number.POSITIVE_INFINITY, outboundMax: 2_048 });
  t.same(shares(20_000), [17_784, 2_048]);
  t.same(shares(1_024), [692, 164]);
  t.same(shares(256), [72, 36]);
  t.same(shares(128), [29, 14]);
  t.same(shares(64), [8, 4]);
  t.same(shares(30), [1, 1]);
  t.end();
});
