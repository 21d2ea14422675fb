/**
 * Tests the count of steps for a comparison. It must not depend on the order in which resources were added and removed.
 */
import * as fc from "fast-check";
import t from "tap";
import { type Resource, storedResource } from "./resource.js";
import { type HasResources, ResourceIndex } from "./resource-index.js";

const GLOBS = ["path:src/**", "path:src/a.ts", "path:**/*.ts", "path:src/{a,b}/*", "path:docs", "path:*a*b*c", "name"];

function filed(text: string): HasResources {
  return { resources: [storedResource(text, "w")] };
}

function wanted(text: string): Resource[] {
  return [storedResource(text, "w")];
}

t.test("the steps of a comparison do not depend on the order", (t) => {
  const one = fc.constantFrom(...GLOBS);
  fc.assert(
    fc.property(fc.array(one, { maxLength: 30 }), fc.array(one, { maxLength: 30 }), one, (stays, goes, text) => {
      const first = new ResourceIndex<HasResources>();
      for (const each of stays) first.add(filed(each));
      const second = new ResourceIndex<HasResources>();
      const gone = goes.map(filed);
      for (const each of gone) second.add(each);
      for (const each of stays.toReversed()) second.add(filed(each));
      for (const each of gone) second.remove(each);
      const [steps, same] = [first, second].map((index) => index.stepsFor(wanted(text), Number.POSITIVE_INFINITY));
      return steps === same && first.near(wanted(text)).size === second.near(wanted(text)).size;
    }),
  );
  t.end();
});

t.test("usual leases take few steps, hostile globs many", (t) => {
  const index = new ResourceIndex<HasResources>();
  for (let at = 0; at < 1_000; at++) index.add(filed(`path:src/module-${at}/**`));
  for (let at = 0; at < 50; at++) index.add(filed(`path:**/*-${at}.test.ts`));
  t.ok(index.stepsFor(wanted("path:**/*.md"), Number.POSITIVE_INFINITY) < 10_000);
  t.ok(index.stepsFor(wanted("path:src/module-7/a.ts"), Number.POSITIVE_INFINITY) < 1_000);
  const long = `path:${"*a".repeat(230)}`;
  for (let at = 0; at < 64; at++) index.add(filed(`${long}${at}`));
  t.ok(index.stepsFor(wanted(long), Number.POSITIVE_INFINITY) > 50_000);
  t.equal(index.stepsFor(wanted(long), 100) > 100, true, "more than the limit");
  t.end();
});
