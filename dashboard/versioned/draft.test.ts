/** Tests which texts of an editor can be stored. */
import t from "tap";
import { checkDraft } from "./draft.js";

t.test("a text of a JSON type must be JSON, and no text may be empty", (t) => {
  const check = (text: string, contentType = "application/json") => checkDraft({ text, contentType });
  t.same(check('{"é":1}'), { valid: true, words: "valid JSON, 8 B" });
  t.same(check("# Plan", "text/markdown"), { valid: true, words: "6 B" });
  t.match(check("{,}"), { valid: false, words: /^This is not JSON: .+/ });
  t.match(check("{,}", "application/merge-patch+JSON"), { valid: false });
  t.match(check("", "text/plain"), { valid: false, words: /empty/ });
  t.end();
});
