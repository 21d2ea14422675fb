/** Tests which node halts after a divergence, and when. */
import t from "tap";
import { NODE_SILENCE_MS, STATE_HASHES_KEPT_MAX } from "../../schemas/limits/cluster.js";
import { DivergenceDetector } from "./divergence-detector.js";

function verdictsOf(...outcomes: readonly string[]): DivergenceDetector {
  const detector = new DivergenceDetector("a");
  for (const [at, outcome] of outcomes.entries()) detector.recordOwn(at + 1, outcome);
  return detector;
}

t.test("all agree", (t) => {
  const detector = verdictsOf("x", "y");
  detector.recordPeer("b", 1, "x", 0);
  detector.recordPeer("c", 2, "y", 0);
  t.equal(detector.haltReason(1), null);
  t.equal(detector.haltReason(10 * NODE_SILENCE_MS), null);
  t.end();
});

t.test("one against two halts at once, and names the entries", (t) => {
  const detector = verdictsOf("x", "wrong");
  detector.recordPeer("b", 2, "y", 0);
  t.equal(detector.haltReason(1), null, "the third may agree");
  detector.recordPeer("c", 2, "y", 0);
  t.match(detector.haltReason(1), /the state of a differs from that of b at entry 2, c at entry 2/);
  t.end();
});

t.test("two against one continue", (t) => {
  const detector = verdictsOf("x", "y");
  detector.recordPeer("b", 2, "y", 0);
  detector.recordPeer("c", 2, "wrong", 0);
  t.equal(detector.haltReason(1), null);
  t.equal(detector.haltReason(NODE_SILENCE_MS - 1), null);
  t.end();
});

t.test("one against one: both halt, unless a third node reports in time", (t) => {
  const detector = verdictsOf("x");
  detector.recordPeer("b", 1, "y", 5);
  t.equal(detector.haltReason(6), null);
  detector.recordPeer("b", 1, "y", NODE_SILENCE_MS);
  t.match(detector.haltReason(NODE_SILENCE_MS + 5), /the databases have diverged/);
  t.end();
});

t.test("a silent node does not count", (t) => {
  const detector = verdictsOf("x");
  detector.recordPeer("b", 1, "y", 0);
  t.equal(detector.haltReason(NODE_SILENCE_MS), null, "it has halted");
  t.end();
});

t.test("a position whose own hash is forgotten is not compared", (t) => {
  const detector = new DivergenceDetector("a");
  for (let id = 1; id <= 2 * STATE_HASHES_KEPT_MAX; id++) detector.recordOwn(id, "x");
  detector.recordPeer("b", 1, "y", 0);
  detector.recordPeer("c", 1, "y", 0);
  detector.recordPeer("b", 0, "", 0);
  detector.recordPeer("c", 3 * STATE_HASHES_KEPT_MAX, "y", 0);
  t.equal(detector.haltReason(1), null);
  detector.recordPeer("b", 2 * STATE_HASHES_KEPT_MAX, "y", 0);
  detector.recordPeer("c", STATE_HASHES_KEPT_MAX + 1, "y", 0);
  t.match(detector.haltReason(1), /differ/);
  detector.reset();
  t.equal(detector.haltReason(1), null, "after a snapshot");
  t.end();
});
