/** When a node that has come to something else than others halts, and when it is the others that should. */
import t from "tap";
import { NODE_SILENCE_MS, OUTCOMES_KEPT_MAX } from "../../schemas/limits.js";
import { Verdicts } from "./verdicts.js";

function verdictsOf(...outcomes: readonly string[]): Verdicts {
  const verdicts = new Verdicts("a");
  for (const [at, outcome] of outcomes.entries()) verdicts.note(at + 1, outcome);
  return verdicts;
}

t.test("all agree", (t) => {
  const verdicts = verdictsOf("x", "y");
  verdicts.hear("b", 1, "x", 0);
  verdicts.hear("c", 2, "y", 0);
  t.equal(verdicts.verdict(1), null);
  t.equal(verdicts.verdict(10 * NODE_SILENCE_MS), null);
  t.end();
});

t.test("one against two halts at once, and names the entries", (t) => {
  const verdicts = verdictsOf("x", "wrong");
  verdicts.hear("b", 2, "y", 0);
  t.equal(verdicts.verdict(1), null, "the third may agree");
  verdicts.hear("c", 2, "y", 0);
  t.match(verdicts.verdict(1), /a has come to something else than b at entry 2, c at entry 2/);
  t.end();
});

t.test("two against one go on", (t) => {
  const verdicts = verdictsOf("x", "y");
  verdicts.hear("b", 2, "y", 0);
  verdicts.hear("c", 2, "wrong", 0);
  t.equal(verdicts.verdict(1), null);
  t.equal(verdicts.verdict(NODE_SILENCE_MS - 1), null);
  t.end();
});

t.test("one against one: nobody knows who is right, so both halt, when nobody else has spoken", (t) => {
  const verdicts = verdictsOf("x");
  verdicts.hear("b", 1, "y", 5);
  t.equal(verdicts.verdict(6), null);
  verdicts.hear("b", 1, "y", NODE_SILENCE_MS);
  t.match(verdicts.verdict(NODE_SILENCE_MS + 5), /the databases differ/);
  t.end();
});

t.test("who has fallen silent does not count", (t) => {
  const verdicts = verdictsOf("x");
  verdicts.hear("b", 1, "y", 0);
  t.equal(verdicts.verdict(NODE_SILENCE_MS), null, "it has halted");
  t.end();
});

t.test("what is not remembered cannot be compared", (t) => {
  const verdicts = new Verdicts("a");
  for (let id = 1; id <= 2 * OUTCOMES_KEPT_MAX; id++) verdicts.note(id, "x");
  verdicts.hear("b", 1, "y", 0);
  verdicts.hear("c", 1, "y", 0);
  verdicts.hear("b", 0, "", 0);
  verdicts.hear("c", 3 * OUTCOMES_KEPT_MAX, "y", 0);
  t.equal(verdicts.verdict(1), null);
  verdicts.hear("b", 2 * OUTCOMES_KEPT_MAX, "y", 0);
  verdicts.hear("c", OUTCOMES_KEPT_MAX + 1, "y", 0);
  t.match(verdicts.verdict(1), /differ/);
  verdicts.forget();
  t.equal(verdicts.verdict(1), null, "after a snapshot");
  t.end();
});
