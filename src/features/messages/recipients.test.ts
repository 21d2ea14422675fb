/** Tests how the names in `to` are resolved. */
import t from "tap";
import { instanceRow } from "../../../test/support/instance-row.js";
import { MESSAGE_RECIPIENTS_MAX } from "../../../schemas/limits/messages.js";
import { must } from "../../base/assert.js";
import { Directory } from "../instances/directory.js";
import type { Entry, InstanceRow } from "../instances/entry.js";
import { type InstanceLookup, resolveRecipients } from "./recipients.js";

interface Registered {
  readonly name: string;
  readonly workspace: string;
  readonly status?: "active" | "pending" | "stale";
}

/**
 * Makes a directory of these instances. The first instance has the id `id-1`. Returns a function that resolves names
 * with the first instance as the sender.
 */
function resolverFor(
  ...all: readonly Registered[]
): (...written: readonly string[]) => readonly string[] | string | null {
  const directory = new Directory();
  directory.load(
    all.map(({ name, workspace, status = "active" }, at) =>
      // The order of last_seen is the reverse of the order of registration.
      instanceRow(at + 1, { name, workspace, status, last_seen: 1000 - at }),
    ),
  );
  const sender: Entry = must(directory.get("id-1"), "the first is the sender");
  return (...written) => {
    const { to, nobody } = resolveRecipients(directory, sender, written);
    return nobody ?? to.map(({ id, to: as }) => `${id} as ${as}`);
  };
}

t.test("an id, the newest active instance of a name, a workspace", (t) => {
  const resolve = resolverFor(
    { name: "ana", workspace: "w" },
    { name: "ben", workspace: "w" },
    { name: "ben", workspace: "w" },
    { name: "ben", workspace: "w", status: "stale" },
    { name: "ben", workspace: "other" },
    { name: "name:ben", workspace: "w:x", status: "pending" },
  );
  t.same(resolve("id-2"), ["id-2 as id-2"]);
  t.same(resolve("id-4"), ["id-4 as id-4"], "whatever it is at");
  t.same(resolve("id-1"), ["id-1 as id-1"], "oneself, too");
  t.same(resolve("name:ben"), ["id-3 as name:ben"], "of the sender's workspace, the one that was registered last");
  t.same(resolve("workspace:w"), ["id-3 as workspace:w", "id-2 as workspace:w"].toSorted(), "all but the sender");
  t.same(resolve("workspace:other"), ["id-5 as workspace:other"]);
  t.end();
});

t.test("the newest stale or pending instance of a name, if none is active", (t) => {
  const resolve = resolverFor(
    { name: "ana", workspace: "w" },
    { name: "ben", workspace: "w", status: "stale" },
    { name: "ben", workspace: "w", status: "pending" },
    { name: "cy", workspace: "w" },
    { name: "cy", workspace: "w", status: "stale" },
    { name: "dan", workspace: "other", status: "stale" },
  );
  t.same(resolve("name:ben"), ["id-3 as name:ben"]);
  t.same(resolve("name:cy"), ["id-4 as name:cy"], "an active one comes first");
  t.equal(resolve("name:dan"), "name:dan", "of the sender's workspace only");
  t.same(resolve("workspace:w"), ["id-4 as workspace:w"], "a workspace means its active instances");
  t.end();
});

t.test("several names: each recipient once, under its first name", (t) => {
  const resolve = resolverFor(
    { name: "ana", workspace: "" },
    { name: "ben", workspace: "" },
    { name: "cy", workspace: "" },
  );
  t.same(resolve("id-3", "name:cy", "workspace:", "id-3"), ["id-3 as id-3", "id-2 as workspace:"]);
  t.same(resolve("workspace:", "id-1"), ["id-2 as workspace:", "id-3 as workspace:", "id-1 as id-1"]);
  t.end();
});

t.test("the first name without a recipient is reported, even if others have one", (t) => {
  const resolve = resolverFor({ name: "ana", workspace: "" }, { name: "ben", workspace: "x", status: "pending" });
  for (const written of ["nobody", "name:", "name:ben", "name:zoe", "workspace:x", "workspace:", "id-3", "__proto__"])
    t.equal(resolve("id-2", written), written);
  t.equal(resolve("b", "a"), "b");
  t.end();
});

t.test("more recipients than allowed are cut to one more than the maximum", (t) => {
  const all = Array.from({ length: MESSAGE_RECIPIENTS_MAX + 10 }, () => ({ name: "a", workspace: "" }));
  t.equal(resolverFor(...all)("workspace:")?.length, MESSAGE_RECIPIENTS_MAX + 1);
  t.equal(resolverFor(...all.slice(0, MESSAGE_RECIPIENTS_MAX + 1))("workspace:")?.length, MESSAGE_RECIPIENTS_MAX);
  t.end();
});

t.test("a name that is repeated is looked up once, and of a workspace no more than needed is listed", (t) => {
  const directory = new Directory();
  const row = (at: number): InstanceRow => instanceRow(at, { name: "same", last_seen: at });
  directory.load(Array.from({ length: 10 * MESSAGE_RECIPIENTS_MAX }, (_unused, at) => row(at + 1)));
  let lookups = 0;
  let listed = 0;
  const counted: InstanceLookup = {
    get: (id) => directory.get(id),
    newest: (name, workspace) => {
      lookups += 1;
      return directory.newest(name, workspace);
    },
    newestActive: (name, workspace) => {
      lookups += 1;
      return directory.newestActive(name, workspace);
    },
    activeIn: (workspace, most) => {
      const found = directory.activeIn(workspace, most);
      listed += found.length;
      return found;
    },
  };
  const sender = must(directory.get("id-1"), "the first is the sender");
  const repeated = (to: string): string[] => Array.from({ length: MESSAGE_RECIPIENTS_MAX }, () => to);
  const { to } = resolveRecipients(counted, sender, repeated("name:same"));
  t.same(to, [{ id: `id-${10 * MESSAGE_RECIPIENTS_MAX}`, name: "same", to: "name:same" }]);
  t.equal(lookups, 1);
  t.equal(resolveRecipients(counted, sender, repeated("name:none")).nobody, "name:none");
  t.equal(lookups, 3, "active, then of any status");
  t.equal(resolveRecipients(counted, sender, repeated("workspace:")).to.length, MESSAGE_RECIPIENTS_MAX + 1);
  t.equal(listed, MESSAGE_RECIPIENTS_MAX + 2, "one above the limit, besides the sender");
  t.end();
});
