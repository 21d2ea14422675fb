/** Tests that a list keeps its order while items come and go, also during an iteration. */
import * as fc from "fast-check";
import t from "tap";
import { must } from "./assert.js";
import { LinkedList, type ListNode } from "./linked-list.js";

t.test("items stay in order, whichever are removed", (t) => {
  const step = fc.oneof(fc.constant("push" as const), fc.nat(20));
  fc.assert(
    fc.property(fc.array(step, { maxLength: 40 }), (steps) => {
      const list = new LinkedList<number>();
      let model: { readonly value: number; readonly node: ListNode<number> }[] = [];
      for (const [value, doing] of steps.entries()) {
        if (doing === "push") model.push({ value, node: list.push(value) });
        else if (model.length > 0) {
          const gone = must(model[doing % model.length], "it is in range");
          list.remove(gone.node);
          model = model.filter((one) => one !== gone);
        }
        const values = model.map((one) => one.value);
        if (list.size !== values.length || list.first !== values[0]) return false;
        if (JSON.stringify([...list]) !== JSON.stringify(values)) return false;
      }
      return true;
    }),
  );
  t.end();
});

t.test("an iteration continues when items are removed and added meanwhile", (t) => {
  const list = new LinkedList<string>();
  const [, b, c] = ["a", "b", "c", "d"].map((item) => list.push(item));
  const seen: string[] = [];
  for (const item of list) {
    seen.push(item);
    if (item !== "b") continue;
    // Remove the current item of the iteration, and the next one.
    list.remove(must(b, "b is there"));
    list.remove(must(c, "c is there"));
    list.push("e");
  }
  t.same(seen, ["a", "b", "d", "e"]);
  t.same([...list], ["a", "d", "e"]);
  t.end();
});
