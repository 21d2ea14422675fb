/**
 * Tests the search for the held leases of a holder for which requests wait, against a naive search. Also tests which
 * requests count as costly.
 */
import * as fc from "fast-check";
import t from "tap";
import { leaseRecord } from "../../../test/support/lease-record.js";
import type { LeaseRecord } from "../../../schemas/leases.js";
import { ACQUIRE_COSTLY_GLOBS_MIN } from "../../../schemas/limits/claims.js";
import { StepBudget } from "../../base/step-budget.js";
import { LeaseProjection } from "./lease-projection.js";
import { storedResource } from "./resource.js";

const lease = fc.record({
  resources: fc.uniqueArray(fc.constantFrom("path:a/*", "path:**/b", "path:a/b", "path:c", "n", "m"), {
    minLength: 1,
    maxLength: 3,
  }),
  holder: fc.constantFrom("ana", "ben", "cy"),
  shared: fc.boolean(),
  state: fc.constantFrom("held" as const, "waiting" as const),
});

t.test("the leases for which requests wait are found from either side, until the budget is used up", (t) => {
  fc.assert(
    fc.property(fc.array(lease, { maxLength: 12 }), (leases) => {
      const projection = new LeaseProjection();
      projection.accept(leases.map((one, at) => leaseRecord(at + 1, one)));
      const unlimited = (): StepBudget => new StepBudget(Number.POSITIVE_INFINITY);
      const expected = (holder: string | null): number[] =>
        leases.flatMap((one, at) =>
          (holder === null || one.holder === holder) && projection.waitingFor(at + 1, unlimited()).length > 0
            ? [at + 1]
            : [],
        );
      for (const holder of ["ana", "ben", null]) {
        const rows = [...projection.awaited(holder, unlimited())].map(({ order }) => order).toSorted((a, b) => a - b);
        if (rows.join() !== expected(holder).join()) return false;
        if (projection.awaited(holder, new StepBudget(0)).size > 0) return false;
      }
      return true;
    }),
  );
  t.end();
});

t.test("a request is costly if many leases wait for the holder's leases, or if these have too many resources", (t) => {
  const costly = (leases: readonly Partial<LeaseRecord>[]): boolean => {
    const projection = new LeaseProjection();
    projection.accept(leases.map((one, at) => leaseRecord(at + 1, one)));
    return projection.isCostly("ana", [storedResource("new", "w")]);
  };
  const many = (count: number, make: (at: number) => Partial<LeaseRecord>): Partial<LeaseRecord>[] =>
    Array.from({ length: count }, (_, at) => make(at));
  const waits = (count: number, name: string): Partial<LeaseRecord>[] =>
    many(count, () => ({ holder: "ben", state: "waiting", resources: [name] }));
  const own = (count: number, resources: number): Partial<LeaseRecord>[] =>
    many(count, (at) => ({
      holder: "ana",
      resources: Array.from({ length: resources }, (_, one) => `n-${at}-${one}`),
    }));
  t.notOk(costly([...own(1_000, 1), ...waits(60, "other")]), "many leases, for which none waits");
  t.ok(costly([...own(10, 1), ...waits(ACQUIRE_COSTLY_GLOBS_MIN + 1, "n-7-0")]), "many wait for one of them");
  t.ok(costly([...own(100, 64), ...waits(60, "other")]), "too many resources to count");
  t.notOk(costly([...own(100, 64), ...waits(10, "other")]), "few wait on the whole server");
  t.end();
});

t.test("the end of a lease is costly if the requests that wait for it are compared with many leases", (t) => {
  const costly = (waiting: number, resources: readonly string[]): boolean => {
    const projection = new LeaseProjection();
    projection.accept([leaseRecord(1, { holder: "ana", resources: ["n-0"] })]);
    for (let row = 2; row < waiting + 2; row++)
      projection.accept([leaseRecord(row, { holder: "ben", state: "waiting", resources: [...resources] })]);
    return projection.isEndCostly(1);
  };
  const many = Array.from({ length: 60 }, (_, at) => `n-${at}`);
  t.notOk(costly(100, ["n-0"]), "a hundred wait for the lease");
  t.ok(costly(200, ["n-0"]), "so many wait that each is compared with all");
  t.ok(costly(60, many), "each waits for many names");
  t.notOk(costly(60, ["n-1"]), "none of them waits for the lease");
  t.notOk(costly(40, many), "few wait on the whole server");
  t.end();
});

t.test("the search takes as many steps as leases are compared, and not their square", (t) => {
  const projection = new LeaseProjection();
  const waiting = Array.from({ length: 100 }, (_, at) =>
    leaseRecord(at + 2, { resources: ["n"], holder: "ben", state: "waiting" }),
  );
  projection.accept([leaseRecord(1, { resources: ["n"], holder: "ana" }), ...waiting]);
  const budget = new StepBudget(1_000);
  t.same(
    [...projection.awaited("ana", budget)].map(({ order }) => order),
    [1],
  );
  t.equal(budget.left, 1_000 - 102);
  t.equal(projection.waitingFor(1, budget).length, 100);
  t.equal(projection.waitingFor(1, new StepBudget(50)).length, 0, "too small a budget");
  t.end();
});
