/** Tests that the front and the writer see the same watched kinds in the shared memory. */
import t from "tap";
import { CHANGE_KINDS } from "../../../schemas/changes.js";
import { WatchedKinds } from "./watched-kinds.js";

t.test("the other side sees which kinds are watched", (t) => {
  const here = new WatchedKinds();
  const there = new WatchedKinds(here.memory);
  t.equal(there.load(), null);
  for (const kind of CHANGE_KINDS) {
    here.set(new Set([kind]));
    const wants = there.load();
    t.same(
      CHANGE_KINDS.filter((other) => wants?.(other)),
      [kind],
    );
  }
  here.set(new Set(CHANGE_KINDS));
  t.ok(CHANGE_KINDS.every((kind) => there.load()?.(kind)));
  here.set(new Set());
  t.equal(there.load(), null);
  t.end();
});
