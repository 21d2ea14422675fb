import t from "tap";
import type { ClaimableTask, TaskListener } from "../../tasks/task-projection.js";
import { ClaimableWatch } from "./claimable-watch.js";

function task(row: number): ClaimableTask {
  return { row } as ClaimableTask;
}

t.test("a thousand new tasks are compared with the waiters in steps, one for each waiter", (t) => {
  const steps: (() => void)[] = [];
  let listener: TaskListener | undefined;
  const watch = new ClaimableWatch({ listen: (given) => (listener = given) }, { add: (step) => steps.push(step) });
  const woken: string[] = [];
  let compared = 0;
  const add = (name: string, row: number): (() => void) =>
    watch.add({
      waiter: { wake: () => woken.push(name) },
      mayClaim: (one) => {
        compared += 1;
        return one.row === row;
      },
    });
  listener?.claimable?.(task(0));
  t.same(steps, [], "without waiters there is nothing to do");
  add("first", 500);
  const remove = add("gone", 1);
  add("last", 999);
  add("none", 1_000);
  for (let row = 0; row < 1_000; row++) listener?.claimable?.(task(row));
  t.equal(compared, 0, "not in the tick in which they came");
  t.equal(steps.length, 1);
  steps.shift()?.();
  t.equal(steps.length, 4);
  remove();
  for (const step of steps.splice(0)) step();
  t.same(woken, ["first", "last"]);
  t.equal(compared, 501 + 1_000 + 1_000, "each task once with each waiter, until one may be claimed");
  listener?.claimable?.(task(1_000));
  while (steps.length > 0) steps.shift()?.();
  t.same(woken, ["first", "last", "none"]);
  t.end();
});
