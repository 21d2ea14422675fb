/** Tests the applied position as both sides of the shared memory read it. */
import t from "tap";
import { AppliedPosition } from "./applied-position.js";

t.test("one side reads what the other side has set", (t) => {
  const writer = new AppliedPosition();
  const front = new AppliedPosition(writer.memory);
  t.equal(front.id, 0n);
  for (const id of [1, 2 ** 32 + 1, Number.MAX_SAFE_INTEGER]) {
    writer.set(id);
    t.equal(front.id, BigInt(id));
  }
  t.end();
});
