/**
 * Tests when a held claim is renewed and when its signal fires. The test controls the clocks, and there is no server.
 */
import { once } from "node:events";
import t from "tap";
import { LeaseLostError, NotFoundError, UnavailableError } from "./errors.js";
import { HeldClaim, Moment, type Claim } from "./held-claim.js";

function hold(claim: Partial<Claim> = {}): HeldClaim {
  return new HeldClaim({
    ttlMs: 60_000,
    maxMs: 3_600_000,
    heardAt: new Moment(),
    grantedAfter: new Moment(),
    renew: () => Promise.resolve(),
    ...claim,
  });
}

/** Moves a clock forward until the end of the test. */
function setForward(t: { teardown(done: () => void): void }, clock: { now(): number }, byMs: number): void {
  const real = clock.now.bind(clock);
  clock.now = () => real() + byMs;
  t.teardown(() => {
    clock.now = real;
  });
}

for (const [name, clock] of [
  ["the wall clock", Date],
  ["the monotonic clock", performance],
] as const)
  t.test(`the first look at the signal compares ${name}`, (t) => {
    const claim = hold();
    t.teardown(() => claim.end());
    const { signal } = claim;
    let isTold = false;
    signal.addEventListener("abort", () => {
      isTold = true;
    });
    t.notOk(signal.aborted);
    signal.throwIfAborted();
    setForward(t, clock, 53_000);
    t.notOk(signal.aborted, "within the time");
    setForward(t, clock, 2000);
    // No timer can have run, because the test has not returned to the event loop.
    t.ok(signal.aborted, "within the margin");
    t.ok(isTold);
    t.type(signal.reason, LeaseLostError);
    t.throws(() => signal.throwIfAborted(), LeaseLostError);
    t.ok(claim.isLost);
    t.end();
  });

t.test("a call with the signal of a lost claim is not sent", async (t) => {
  const claim = hold();
  setForward(t, Date, 100_000);
  await t.rejects(fetch("http://127.0.0.1:9", { signal: claim.signal }), LeaseLostError);
});

t.test("an answer to a renewal that comes too late does not give the claim back", async (t) => {
  let answer = (): void => undefined;
  let asked = (): void => undefined;
  const isAsked = new Promise<void>((resolve) => {
    asked = resolve;
  });
  const claim = hold({
    ttlMs: 900,
    renew: () => {
      asked();
      return new Promise((resolve) => {
        answer = resolve;
      });
    },
  });
  await isAsked;
  setForward(t, Date, 1000);
  answer();
  if (!claim.signal.aborted) await once(claim.signal, "abort");
  t.ok(claim.isLost);
});

t.test("a refused renewal loses the claim, a failed one is tried again", async (t) => {
  for (const error of [new LeaseLostError("lease lost", { status: 409 }), new NotFoundError("gone", { status: 404 })]) {
    let calls = 0;
    const claim = hold({
      ttlMs: 3000,
      renew: () => (calls++ === 0 ? Promise.reject(new UnavailableError("away")) : Promise.reject(error)),
    });
    await once(claim.signal, "abort");
    t.equal(calls, 2);
    t.match(claim.signal.reason, { message: error.message, name: "LeaseLostError" });
  }
});

t.test("an end stops the renewals, and the signal stays silent", (t) => {
  const claim = hold();
  claim.end();
  setForward(t, Date, 100_000);
  t.notOk(claim.signal.aborted);
  t.notOk(claim.isLost);
  t.end();
});

t.test("an abort for another reason keeps the claim", (t) => {
  const claim = hold();
  t.teardown(() => claim.end());
  claim.abort(new Error("of the worker"));
  t.ok(claim.signal.aborted);
  t.notOk(claim.isLost);
  t.end();
});
