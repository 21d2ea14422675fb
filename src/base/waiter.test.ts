/** Tests waits: an error that a look throws ends only its own wait, and an ended wait removes its listener. */
import t from "tap";
import { WaitQueue } from "./wait-queue.js";
import { type Look, waitFor, type Waiter } from "./waiter.js";

const BUG = new TypeError("a bug");
const turn = (): Promise<void> => new Promise((resolve) => void setImmediate(() => setImmediate(resolve)));

/** Starts a wait. The test controls when it gets a result. */
function begin(look: Look<string>) {
  const listening = new Set<Waiter<string>>();
  let leave = (): void => undefined;
  const found = waitFor<string>({
    queue: new WaitQueue(),
    look,
    waitMs: 60_000,
    listen: (waiter) => {
      listening.add(waiter);
      return () => listening.delete(waiter);
    },
    onAbort: (listener) => {
      leave = listener;
    },
  });
  const wake = (): void => {
    for (const waiter of listening) waiter.wake();
  };
  return { found, listening, wake, leave: () => leave() };
}

const KINDS: Readonly<Record<string, () => Promise<string | null>>> = {
  throws: () => {
    throw BUG;
  },
  rejects: () => Promise.reject(BUG),
  "rejects later": async () => {
    await turn();
    throw BUG;
  },
};

for (const [kind, fail] of Object.entries(KINDS)) {
  t.test(`a look that ${kind}`, async (t) => {
    const first = begin(fail);
    await t.rejects(first.found, BUG, "the first look");
    t.equal(first.listening.size, 0);

    let looks = 0;
    const later = begin(() => (looks++ === 0 ? null : fail()));
    t.equal(later.listening.size, 1);
    later.wake();
    await t.rejects(later.found, BUG, "a look after a wake-up");
    t.equal(later.listening.size, 0);
    later.leave();
    await turn();
    t.equal(looks, 2, "then the waiter looks no more");
  });
}

t.test("an error after the end of the wait is ignored", async (t) => {
  let fail = (_error: Error): void => undefined;
  const waiting = begin(() => new Promise((_resolve, reject) => (fail = reject)));
  waiting.leave();
  t.equal(await waiting.found, null);
  fail(BUG);
  await turn();
});

t.test("a waiter that cannot subscribe does not wait", async (t) => {
  const listen = (): never => {
    throw BUG;
  };
  await t.rejects(
    waitFor({ queue: new WaitQueue(), look: () => null, waitMs: 1, listen, onAbort: () => undefined }),
    BUG,
  );
});
