/**
 * Tests that only overlapping leases wake a waiter for a resource. Also tests which of these leases block the waiter. A
 * naive comparison finds the expected leases.
 */
import * as fc from "fast-check";
import t from "tap";
import { StepBudget } from "../../base/step-budget.js";
import { leaseRecord } from "../../../test/support/lease-record.js";
import { Failure } from "../../base/result.js";
import { LeaseProjection } from "./lease-projection.js";
import { parseResource, resourcesMeet, type Resource } from "./resource.js";
import { overlaps, ResourceWatch, type WantedResource } from "./resource-watch.js";

const resource = fc.constantFrom(
  "path:a",
  "path:a/*",
  "path:**/b",
  "path:a/b",
  "path:{a/b,c/d.ts}",
  "path:c",
  "state:a",
  "state:*",
  "spec:a",
  "a",
  "b",
);
const workspace = fc.constantFrom("v", "w");
const holder = fc.constantFrom("me", "you", "");
const parent = fc.constantFrom("me", "you", null);
const checkout = fc.constantFrom("one", "two", null);
const scope = fc.constantFrom("repo", "checkout");

/** Is never used up. */
const UNLIMITED = new StepBudget(Number.POSITIVE_INFINITY);

function parsed(text: string, where: string): Resource {
  const read = parseResource(text, where, "");
  if (read instanceof Failure) throw new Error(read.message);
  return read;
}

function meets(wanted: WantedResource, text: string, where: string): boolean {
  const theirs = parsed(text, where);
  const mine = parsed(wanted.text, wanted.workspace ?? where);
  return resourcesMeet(mine, theirs);
}

t.test("overlapping leases wake a waiter, in its workspace or in any, and count as held by their holders", (t) => {
  const several = fc.array(resource, { minLength: 1, maxLength: 3 });
  const lease = fc.record({ resources: several, workspace, holder, parent, checkout, scope });
  fc.assert(
    fc.property(
      fc.array(fc.record({ text: resource, workspace: fc.option(workspace) }), { maxLength: 5 }),
      fc.array(lease, { maxLength: 5 }),
      fc.record({ holder, parent, limitedTo: checkout }),
      (wanted, leases, asker) => {
        const asked = { ...asker, shared: false };
        const projection = new LeaseProjection();
        const watch = new ResourceWatch(projection);
        const woken = wanted.map(() => 0);
        const unlisteners = wanted.map((one, at) =>
          watch.listen(one, { wake: () => (woken[at] = (woken[at] ?? 0) + 1) }, at === 0 ? null : asked),
        );
        for (const [at, { resources, workspace: where }] of leases.entries()) {
          const before = [...woken];
          projection.accept([leaseRecord(at + 1, leases[at] ?? {})]);
          for (const [which, one] of wanted.entries()) {
            const expected = resources.some((text) => meets(one, text, where));
            if ((woken[which] ?? 0) > (before[which] ?? 0) !== expected) return false;
            if (overlaps(one, resources, where) !== expected) return false;
          }
        }
        const waitsFor = (one: WantedResource, of: (typeof leases)[number]): boolean => {
          const related = of.holder === asker.holder || of.holder === asker.parent || of.parent === asker.holder;
          const limited = of.scope === "checkout" && of.checkout !== null && asker.limitedTo !== null;
          const apart = limited && of.checkout !== asker.limitedTo && one.text.startsWith("path:");
          return !related && !apart && of.resources.some((text) => meets(one, text, of.workspace));
        };
        const held = wanted.map((one) => leases.some((of) => waitsFor(one, of)));
        const awaited = leases.flatMap((of, at) =>
          asker.holder !== "" && wanted.slice(1).some((one) => waitsFor(one, of)) ? [at + 1] : [],
        );
        const rows = (of: string | null): string =>
          [...new Set([...watch.awaited(of, UNLIMITED)].map(({ row }) => row))].toSorted((a, b) => a - b).join();
        if (rows(null) !== awaited.join()) return false;
        if (rows("you") !== awaited.filter((row) => leases[row - 1]?.holder === "you").join()) return false;
        for (const [at, of] of leases.entries()) {
          const waits = asker.holder !== "" && wanted.slice(1).some((one) => waitsFor(one, of));
          const found = watch.waitersOf(leaseRecord(at + 1, of), UNLIMITED);
          if (found.join() !== (waits ? asker.holder : "")) return false;
        }
        if (wanted.some((one, at) => watch.isHeld(one, asked) !== held[at])) return false;
        for (const unlisten of unlisteners) unlisten();
        if (
          watch.size > 0 ||
          rows(null) !== "" ||
          leases.some((of, at) => watch.waitersOf(leaseRecord(at + 1, of), UNLIMITED).length > 0)
        )
          return false;
        const last = [...woken];
        for (const [at, of] of leases.entries())
          projection.accept([leaseRecord(at + 1, { ...of, state: "lost", ended_at: 1 })]);
        return wanted.every((one, at) => woken[at] === last[at] && !watch.isHeld(one, asked));
      },
    ),
    { numRuns: 500 },
  );
  t.pass("it was held");
  t.end();
});
