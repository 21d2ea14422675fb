/** Tests requests to a server that does not answer. */
import t from "tap";
import { askUntilAnswered } from "./nats-connection.js";

t.test("a dropped request is repeated, and the first answer counts", async (t) => {
  let asked = 0;
  t.equal(
    await askUntilAnswered(() => (++asked < 3 ? new Promise<number>(() => undefined) : Promise.resolve(asked))),
    3,
  );
});

t.test("a refusal is an answer", async (t) => {
  let asked = 0;
  const refused = askUntilAnswered(async () => {
    asked += 1;
    throw new Error("no");
  });
  await t.rejects(refused, { message: "no" });
  t.equal(asked, 1);
});

t.test("it fails with the first request, whatever happens to the others", async (t) => {
  const asks: ((why: Error) => void)[] = [];
  let askedTwice: () => void = () => undefined;
  const second = new Promise<void>((resolve) => {
    askedTwice = resolve;
  });
  const givenUp = askUntilAnswered(
    () =>
      new Promise<never>((_, reject) => {
        asks.push(reject);
        if (asks.length === 2) askedTwice();
      }),
  );
  await second;
  asks[0]?.(new Error("late"));
  await t.rejects(givenUp, { message: "late" });
  asks[1]?.(new Error("later"));
});
