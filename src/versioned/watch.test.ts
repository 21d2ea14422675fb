/** A change wakes the waiters of its key; without waiters, calls are not even examined. */
import t from "tap";
import { Failure, invalid } from "../base/result.js";
import { ChangeFeed } from "../threads/changes.js";
import { SPECS, STATE } from "./space.js";
import { KeyWatch } from "./watch.js";

const LOST = new Failure("UNAVAILABLE", "the writer crashed", null, true);

t.test("waiters are woken by their key, by all keys, and by calls of unknown outcome", (t) => {
  const feed = new ChangeFeed();
  const watch = new KeyWatch(feed, STATE);
  const specs = new KeyWatch(feed, SPECS);
  const woken: string[] = [];
  const add = (on: KeyWatch, key: string, name: string): (() => void) =>
    on.listen(key, { wake: () => void woken.push(name), finish: () => undefined });
  const told = (asked: readonly string[] | null, made: readonly string[] | null | Failure): readonly string[] => {
    for (const listener of feed.of("state") ?? []) {
      listener.begin(asked);
      listener.end(asked, made);
    }
    return woken.splice(0);
  };
  t.same(feed.of("state") ?? [], [], "nobody listens where nobody waits");
  const leaves = [add(watch, "a", "one"), add(watch, "a", "two"), add(watch, "b", "other"), add(specs, "a", "spec")];
  t.equal(feed.of("state")?.length, 1);
  t.same(told(["a"], ["a"]), ["one", "two"]);
  t.same(told(["c"], ["c"]), []);
  t.same(told(null, ["b", "c"]), ["other"], "as the reply names it");
  t.same(told(null, null), ["one", "two", "other"], "anything may be another now");
  t.same(told(["a"], invalid("no")), [], "what was refused has changed nothing");
  t.same(told(["b"], LOST), ["other"], "what may have been carried out, may have");
  t.same(told(null, LOST), ["one", "two", "other"]);
  leaves[0]?.();
  leaves[0]?.();
  t.same(told(["a"], ["a"]), ["two"]);
  for (const leave of leaves) leave();
  t.same([feed.of("state"), feed.of("spec")], [[], []]);
  add(watch, "a", "again");
  t.same(told(["a"], ["a"]), ["again"]);
  t.end();
});
