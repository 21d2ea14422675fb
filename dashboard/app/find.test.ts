/**
 * Tests the search by words. The tests cover the order of the matches, words with a wrong letter, and texts without a
 * word.
 */
import t from "tap";
import { find } from "./find.js";

const ENTRIES = ["Leases: their holders", "claude-checkout: release the cart", "plans/checkout", "Rules"].map(
  (text) => ({
    text,
  }),
);
const found = (wanted: string): string[] => find(ENTRIES, wanted).map(({ text }) => text);
const [LEASES = "", CLAUDE = "", PLANS = "", RULES = ""] = ENTRIES.map(({ text }) => text);

t.test("all words are wanted, in any order, and the beginning of a word is better than its middle", (t) => {
  t.same(found("lea"), [LEASES, CLAUDE]);
  t.same(found("ease"), [LEASES, CLAUDE], "equal matches keep their order");
  t.same(found("CART claude"), [CLAUDE]);
  t.same(found("checkout/plans"), [PLANS], "a separator separates words");
  t.same(found("claude rules"), []);
  t.same(found(" / "), [LEASES, CLAUDE, PLANS, RULES], "there is no word");
  t.end();
});

t.test("one letter of a word may be wrong, but not the first one", (t) => {
  for (const wrong of ["ruels", "rles", "ruules", "ruxes"]) t.same(found(wrong), [RULES], wrong);
  for (const wrong of ["xules", "rxxes", "rx"]) t.same(found(wrong), [], wrong);
  t.same(found("("), [LEASES, CLAUDE, PLANS, RULES], "nothing of the text is a pattern");
  t.end();
});
