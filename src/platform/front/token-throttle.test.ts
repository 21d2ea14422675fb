/** Tests when an address is paused, and which addresses are counted together. The test injects the time. */
import t from "tap";
import {
  BEARER_REPEATS_A_GUESS,
  LOG_IN_ADDRESSES_MAX,
  LOG_IN_PAUSE_MS,
  LOG_IN_WINDOW_MS,
  LOG_IN_WRONG_MAX,
} from "../../../schemas/limits/tokens.js";
import { addressKey, TokenThrottle } from "./token-throttle.js";

const PEER = "127.0.0.1";

function play(): { readonly throttle: TokenThrottle; readonly pass: (ms: number) => void } {
  let nowMs = 1_000_000;
  const throttle = new TokenThrottle({ now: () => nowMs });
  return {
    throttle,
    pass: (ms) => {
      nowMs += ms;
    },
  };
}

/** Sends this number of wrong tokens. Returns the result of the last one. */
function fail(throttle: TokenThrottle, times: number, peer = PEER): boolean {
  let pauses = false;
  for (let at = 0; at < times; at++) pauses = throttle.recordWrong(peer, null);
  return pauses;
}

t.test("the tenth wrong token within the window begins a pause, which ends", (t) => {
  const { throttle, pass } = play();
  t.equal(throttle.pauseOf(PEER), 0);
  t.notOk(fail(throttle, LOG_IN_WRONG_MAX - 1));
  t.equal(throttle.pauseOf(PEER), 0, "nine are not enough");
  t.ok(fail(throttle, 1));
  t.equal(throttle.pauseOf(PEER), LOG_IN_PAUSE_MS);
  t.equal(throttle.pauseOf("127.0.0.2"), 0, "nobody else has to");
  pass(LOG_IN_PAUSE_MS - 1);
  t.equal(throttle.pauseOf(PEER), 1);
  pass(1);
  t.equal(throttle.pauseOf(PEER), 0);
  t.notOk(fail(throttle, LOG_IN_WRONG_MAX - 1), "it is counted anew");
  t.ok(fail(throttle, 1));
  t.end();
});

t.test("the window slides: older guesses do not count", (t) => {
  const { throttle, pass } = play();
  fail(throttle, 1);
  pass(1);
  fail(throttle, LOG_IN_WRONG_MAX - 2);
  pass(LOG_IN_WINDOW_MS - 1);
  t.notOk(fail(throttle, 1), "the first is a whole window old");
  t.ok(fail(throttle, 1));
  t.end();
});

t.test("a repeated bearer counts as a fraction of a guess", (t) => {
  const { throttle } = play();
  const repeat = (times: number, digest: string): boolean =>
    Array.from({ length: times }, () => throttle.recordWrong(PEER, digest)).includes(true);
  t.notOk(repeat(1 + (LOG_IN_WRONG_MAX - 1) * BEARER_REPEATS_A_GUESS - 1, "old"));
  t.ok(repeat(1, "old"), "but not for ever");
  const { throttle: other } = play();
  for (let at = 1; at < LOG_IN_WRONG_MAX; at++) t.notOk(other.recordWrong(PEER, `guess-${at}`));
  t.ok(other.recordWrong(PEER, "another"), "each other one is");
  t.end();
});

t.test("addresses that count as one", (t) => {
  for (const [peer, key] of [
    ["127.0.0.1", "127.0.0.1"],
    ["10.1.2.255", "10.1.2.255"],
    ["::ffff:10.1.2.3", "10.1.2.3"],
    ["0000:0000:0000:0000:0000:ffff:0a01:02ff", "10.1.2.255"],
    ["::1", "0:0:0:0::/64"],
    ["0000:0000:0000:0000:0000:0000:0000:0001", "0:0:0:0::/64"],
    ["2001:db8:0:7:1:2:3:4", "2001:db8:0:7::/64"],
    ["2001:0db8:0000:0007:ffff:ffff:ffff:ffff", "2001:db8:0:7::/64"],
    ["2001:db8:0:8::", "2001:db8:0:8::/64"],
    ["fe80::1%eth0", "fe80:0:0:0::/64"],
    ["", ""],
  ] as const)
    t.equal(addressKey(peer), key, peer);
  const { throttle } = play();
  for (let at = 0; at < LOG_IN_WRONG_MAX; at++) throttle.recordWrong(`2001:db8::${at.toString(16)}`, null);
  t.ok(throttle.pauseOf("2001:db8::ffff") > 0, "a machine has a whole network");
  t.equal(throttle.pauseOf("2001:db8:0:1::"), 0);
  t.end();
});

t.test("addresses are remembered up to a bound; the least recently recorded is dropped", (t) => {
  const { throttle } = play();
  const peer = (at: number): string => `10.${at >> 16}.${(at >> 8) & 255}.${at & 255}`;
  fail(throttle, LOG_IN_WRONG_MAX, peer(0));
  fail(throttle, 1, peer(1));
  for (let at = 2; at < LOG_IN_ADDRESSES_MAX; at++) throttle.recordWrong(peer(at), null);
  t.equal(throttle.size, LOG_IN_ADDRESSES_MAX);
  fail(throttle, LOG_IN_WRONG_MAX - 1, peer(1));
  throttle.recordWrong(peer(LOG_IN_ADDRESSES_MAX), null);
  t.equal(throttle.size, LOG_IN_ADDRESSES_MAX);
  t.equal(throttle.pauseOf(peer(0)), 0, "the oldest is gone");
  t.ok(throttle.pauseOf(peer(1)) > 0, "one that was heard of since is not");
  t.end();
});
