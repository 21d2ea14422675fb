/** Compares the tree of names with a naive model, and tests its visible lines. */
import * as fc from "fast-check";
import t from "tap";
import type { Entry } from "./space.js";
import { folderKey, foldersOf, growTree, linesOf, searchLines } from "./tree-lines.js";

function entryOf(name: string): Entry {
  return { name, path: name.split("/"), version: 1, updated_at: "2026-01-01T00:00:00Z" };
}

const NAMES = ["plan/build", "plan/test", "plan", "readme", "a//b", "plan/deep/er", "zoo/one"];
const entries = NAMES.map(entryOf);
const shownLines = (open: readonly string[]): string[] =>
  linesOf(growTree(entries), new Set(open)).map(
    ({ depth, text, entry, count }) => `${"  ".repeat(depth)}${text}${entry === null ? `/ ${count}` : ""}`,
  );

t.test("closed, only the first level is there: folders by name, then the entries in their order", (t) => {
  t.same(shownLines([]), ["a/ 1", "plan/ 3", "zoo/ 1", "plan", "readme"]);
  t.end();
});

t.test("an open folder shows its entries, and no more", (t) => {
  t.same(shownLines([folderKey(["plan"])]), [
    "a/ 1",
    "plan/ 3",
    "  deep/ 1",
    "  build",
    "  test",
    "zoo/ 1",
    "plan",
    "readme",
  ]);
  t.same(shownLines([folderKey(["plan", "deep"])]), shownLines([]), "an open folder in a closed one is hidden");
  t.end();
});

t.test("an empty part is a folder without a name", (t) => {
  t.same(shownLines(foldersOf(["a", "", "b"])).slice(0, 3), ["a/ 1", "  / 1", "    b"]);
  t.end();
});

t.test("a folder and an entry of one name are two lines", (t) => {
  const lines = linesOf(growTree(entries), new Set());
  t.same(
    lines.filter(({ key }) => key === "plan").map(({ entry }) => entry?.name),
    [undefined, "plan"],
  );
  t.end();
});

t.test("a name with a slash in one part does not open another's folder", (t) => {
  const spec: Entry = { ...entryOf("a/b/c"), path: ["a/b", "c"] };
  t.not(foldersOf(spec.path)[0], foldersOf(["a", "b", "c"])[1]);
  t.end();
});

t.test("a search finds entries with every word, in any case", (t) => {
  const found = (wanted: string): string[] => searchLines(entries, wanted).map(({ text }) => text);
  t.same(found("PLAN"), ["plan/build", "plan/test", "plan", "plan/deep/er"]);
  t.same(found("  test plan "), ["plan/test"]);
  t.same(found("nothing"), []);
  t.end();
});

const names = fc.uniqueArray(fc.array(fc.constantFrom("a", "b", "", "c.d"), { minLength: 1, maxLength: 5 }), {
  selector: (path) => path.join("/"),
  maxLength: 40,
});

t.test("with all folders open each entry is one line below its folders, and each folder counts its entries", (t) => {
  fc.assert(
    fc.property(names, (paths) => {
      const all = paths.map((path) => entryOf(path.join("/")));
      const lines = linesOf(growTree(all), new Set(all.flatMap(({ path }) => foldersOf(path))));
      const above: string[] = [];
      const seen: string[] = [];
      for (const { depth, text, entry, count } of lines) {
        above.length = depth;
        above.push(text);
        const path = above.join("/");
        if (entry === null) {
          const inside = all.filter(({ name }) => name.startsWith(`${path}/`)).length;
          if (count !== inside) throw new Error(`${path} counts ${count}, holds ${inside}`);
        } else {
          if (entry.name !== path) throw new Error(`${entry.name} stands at ${path}`);
          seen.push(path);
        }
      }
      t.same(seen.toSorted(), all.map(({ name }) => name).toSorted());
    }),
  );
  t.end();
});

t.test("opening the folders of a path shows its line", (t) => {
  fc.assert(
    fc.property(names, fc.nat(), (paths, chosen) => {
      const all = paths.map((path) => entryOf(path.join("/")));
      const one = all[chosen % Math.max(1, all.length)];
      if (one === undefined) return;
      const lines = linesOf(growTree(all), new Set(foldersOf(one.path)));
      t.ok(lines.some(({ entry }) => entry === one));
    }),
  );
  t.end();
});
