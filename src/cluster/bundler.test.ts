/** Tests the bundler: when it sends entries, and which entries share a message. */
import t from "tap";
import { BUNDLE_BYTES_MAX, BUNDLE_LINGER_MS_MAX } from "../../schemas/limits/cluster.js";
import { Bundler, type BundledEntry } from "./bundler.js";

function partOf(node: string, number = 1, bytes = 10): BundledEntry {
  return { head: { node, epoch: 1, number }, bytes: new Uint8Array(bytes) };
}

function namesIn(bundler: Bundler, now: number): readonly string[] {
  return bundler.take(now).entries.map(({ head: { node, number } }) => `${node}${number}`);
}

t.test("a node without peers never lingers, and one message is in flight at a time", (t) => {
  const bundler = new Bundler();
  t.equal(bundler.lingerMs(0), null, "there is nothing");
  bundler.add(partOf("a"));
  t.equal(bundler.lingerMs(0), 0);
  t.same(namesIn(bundler, 0), ["a1"]);
  bundler.add(partOf("a", 2));
  t.equal(bundler.lingerMs(1), null, "one is in flight");
  bundler.landed(partOf("a", 7).head, 5);
  t.equal(bundler.lingerMs(5), null, "another entry of the node has come");
  bundler.landed(partOf("a").head, 5);
  t.equal(bundler.lingerMs(5), 0);
  t.end();
});

t.test("the next message lingers for the nodes of the last one, for at most twice its time in flight", (t) => {
  const bundler = new Bundler();
  for (const node of ["a", "b"]) bundler.add(partOf(node));
  t.same(namesIn(bundler, 0), ["a1", "b1"]);
  bundler.landed(partOf("a").head, 4);
  bundler.add(partOf("b", 2));
  bundler.add(partOf("c"));
  t.equal(bundler.lingerMs(4), 8);
  t.equal(bundler.lingerMs(11), 1);
  t.equal(bundler.lingerMs(12), 0, "a does not come");
  bundler.add(partOf("a", 2));
  t.equal(bundler.lingerMs(5), 0, "all are there");
  t.same(namesIn(bundler, 5), ["b2", "c1", "a2"]);
  bundler.landed(partOf("b", 2).head, 1_000);
  bundler.add(partOf("a", 3));
  t.equal(bundler.lingerMs(1_000), BUNDLE_LINGER_MS_MAX);
  t.end();
});

t.test("an entry replaces a waiting one of its node", (t) => {
  const bundler = new Bundler();
  for (const part of [partOf("a"), partOf("b"), partOf("a", 2)]) bundler.add(part);
  t.same(namesIn(bundler, 0), ["b1", "a2"]);
  t.end();
});

t.test("an entry that does not fit goes into the next message", (t) => {
  const bundler = new Bundler();
  for (const [at, node] of ["a", "b", "c"].entries()) bundler.add(partOf(node, at, BUNDLE_BYTES_MAX / 2));
  t.same(namesIn(bundler, 0), ["a0", "b1"]);
  bundler.landed(partOf("a", 0).head, 0);
  t.same(namesIn(bundler, 0), ["c2"]);
  t.end();
});

t.test("cleared entries neither wait nor come back", (t) => {
  const bundler = new Bundler();
  bundler.add(partOf("a"));
  bundler.take(0);
  bundler.add(partOf("b"));
  t.same(
    bundler.clear().map(({ head }) => head.node),
    ["b"],
  );
  t.equal(bundler.flight, null);
  t.equal(bundler.lingerMs(0), null);
  bundler.landed(partOf("a").head, 0);
  bundler.add(partOf("c"));
  t.equal(bundler.lingerMs(0), 0);
  t.end();
});
