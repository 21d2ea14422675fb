/**
 * Tests that a change of a key wakes the waiters of the key. Also tests that calls are not examined while there are no
 * waiters.
 */
import t from "tap";
import { Failure, invalid } from "../../base/result.js";
import { ChangeFeed } from "../../platform/threads/changes.js";
import { SPECS, STATE } from "./space.js";
import { KeyWatch } from "./watch.js";

const LOST = new Failure("UNAVAILABLE", "the writer crashed", null, true);

t.test("waiters are woken by their key, by all keys, and by calls of unknown outcome", (t) => {
  const feed = new ChangeFeed();
  const watch = new KeyWatch(feed, STATE);
  const specs = new KeyWatch(feed, SPECS);
  const woken: string[] = [];
  const add = (on: KeyWatch, key: string, name: string): (() => void) =>
    on.listen(key, { wake: () => void woken.push(name) });
  const wokenBy = (asked: readonly string[] | null, made: readonly string[] | null | Failure): readonly string[] => {
    for (const listener of feed.of("state") ?? []) {
      listener.begin(asked);
      listener.end(asked, made);
    }
    return woken.splice(0);
  };
  t.same(feed.of("state") ?? [], [], "without waiters there is no listener");
  const removals = [add(watch, "a", "one"), add(watch, "a", "two"), add(watch, "b", "other"), add(specs, "a", "spec")];
  t.equal(feed.of("state")?.length, 1);
  t.same(wokenBy(["a"], ["a"]), ["one", "two"]);
  t.same(wokenBy(["c"], ["c"]), []);
  t.same(wokenBy(null, ["b", "c"]), ["other"], "the keys are those of the reply");
  t.same(wokenBy(null, null), ["one", "two", "other"], "any key may have changed");
  t.same(wokenBy(["a"], invalid("no")), [], "a refused call has changed nothing");
  t.same(wokenBy(["b"], LOST), ["other"], "a call of unknown outcome may have changed its key");
  t.same(wokenBy(null, LOST), ["one", "two", "other"]);
  removals[0]?.();
  removals[0]?.();
  t.same(wokenBy(["a"], ["a"]), ["two"]);
  for (const leave of removals) leave();
  t.same([feed.of("state"), feed.of("spec")], [[], []]);
  add(watch, "a", "again");
  t.same(wokenBy(["a"], ["a"]), ["again"]);
  t.end();
});
