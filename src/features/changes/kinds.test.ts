/** Tests the kinds that a reader may request, and the changes that a reader of each kind gets. */
import t from "tap";
import { ASKED_KINDS, CHANGE_KINDS } from "../../../schemas/changes.js";
import { Failure } from "../../base/result.js";
import { kindsOf, reportedAs } from "./kinds.js";

const asked = (text: string): unknown => {
  const kinds = kindsOf(text);
  return kinds instanceof Failure ? kinds.message : [...kinds];
};

t.test("kinds are separated by commas, each counts once", (t) => {
  t.same(asked("state"), ["state"]);
  t.same(asked("state,spec, audit ,state,"), ["state", "spec", "audit"]);
  t.same(asked("contract,spec"), ["contract", "spec"]);
  t.end();
});

t.test("an empty list means all kinds, each change once", (t) => {
  for (const text of ["", ",", " , "]) t.same(asked(text), CHANGE_KINDS);
  for (const kind of CHANGE_KINDS) {
    const all = kindsOf("");
    t.equal(reportedAs(kind).filter((as) => !(all instanceof Failure) && all.has(as)).length, 1, kind);
  }
  t.end();
});

t.test("an unknown kind is named, together with the known ones", (t) => {
  for (const wrong of ["states", "State", "lagged", "constructor", "*", "\u{1F600}\n"])
    t.equal(
      asked(`state,${wrong},spec`),
      `kinds: ${JSON.stringify(wrong.trim())} is none of ${ASKED_KINDS.join(", ")}`,
    );
  t.end();
});
