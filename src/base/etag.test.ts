/** Tests entity tags: the table in RFC 9110 (8.8.3.2), lists of tags, and headers that are not lists of tags. */
import * as fc from "fast-check";
import t from "tap";
import { etagMatches, strongEtagMatches } from "./etag.js";

const TAG = '"5e884898da28047151d0e56f8dc62927"';

t.test("weak comparison takes weak tags, strong comparison does not", (t) => {
  t.ok(etagMatches(TAG, TAG));
  t.ok(etagMatches(`W/${TAG}`, TAG));
  t.notOk(etagMatches('"other"', TAG));
  t.ok(strongEtagMatches(TAG, TAG));
  t.notOk(strongEtagMatches(`W/${TAG}`, TAG));
  t.notOk(strongEtagMatches('"other"', TAG));
  t.end();
});

t.test("lists and *", (t) => {
  for (const header of [
    `"a", ${TAG}`,
    `${TAG},"a"`,
    `"a",W/"b" , \t${TAG}  `,
    ` ${TAG}`,
    `,, "a",,${TAG},`,
    `"a,b", ${TAG}`,
    `"", ${TAG}`,
    `W/${TAG}, ${TAG}`,
    "*",
    " * ",
  ]) {
    t.ok(etagMatches(header, TAG), header);
    t.ok(strongEtagMatches(header, TAG), header);
  }
  t.ok(etagMatches(`"a", W/${TAG}`, TAG));
  t.notOk(strongEtagMatches(`"a", W/${TAG}`, TAG));
  t.end();
});

t.test("a header that is malformed anywhere matches nothing", (t) => {
  const bare = TAG.slice(1, -1);
  for (const header of [
    "",
    " ",
    ",",
    bare,
    `'${bare}'`,
    TAG.slice(0, -1),
    TAG.slice(1),
    `w/${TAG}`,
    `W/ ${TAG}`,
    `W${TAG}`,
    `${TAG} "b"`,
    `${TAG};`,
    `${TAG}, b`,
    `"a" ${TAG}`,
    `*, ${TAG}`,
    `${TAG}, *`,
    "**",
    `"a\tb", ${TAG}`,
    `"a b", ${TAG}`,
    `"\u0100", ${TAG}`,
    `"${TAG}"`,
  ]) {
    t.notOk(etagMatches(header, TAG), `${JSON.stringify(header)}, weakly`);
    t.notOk(strongEtagMatches(header, TAG), `${JSON.stringify(header)}, strongly`);
  }
  t.end();
});

t.test("any list of tags is searched as a list of strings", (t) => {
  const tag = fc
    .string({ unit: fc.constantFrom("a", "b", ",", "W", "/", "*"), maxLength: 3 })
    .map((content) => `"${content}"`);
  const element = fc.record({
    tag,
    weak: fc.boolean(),
    before: fc.constantFrom("", " ", "\t "),
    after: fc.constantFrom("", " "),
  });
  const property = fc.property(fc.array(element, { maxLength: 5 }), tag, (list, etag) => {
    const header = list
      .map(({ tag: own, weak, before, after }) => `${before}${weak ? "W/" : ""}${own}${after}`)
      .join(",");
    const weakly = list.some((each) => each.tag === etag);
    const strongly = list.some((each) => each.tag === etag && !each.weak);
    return etagMatches(header, etag) === weakly && strongEtagMatches(header, etag) === strongly;
  });
  t.doesNotThrow(() => fc.assert(property, { numRuns: 1000 }));
  t.end();
});
