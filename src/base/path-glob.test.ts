/**
 * Tests the overlap of two globs by brute force. For each pair of short globs, the test tries all short paths and looks
 * for one that both globs cover.
 */
import t from "tap";
import { compilePathGlob, globsMeet, literalPathGlob, nameGlob, type PathGlob } from "./path-glob.js";

const GLOB_CHARACTERS = ["a", "b", "*", "?", "/"];
const PATH_CHARACTERS = ["a", "b", "/"];
const GLOB_LENGTH_MAX = 4;
/**
 * The length of the longest path that the test has to try. It is enough, because the globs require each character of
 * the shortest path that both cover.
 */
const PATH_LENGTH_MAX = 2 * GLOB_LENGTH_MAX;

function textsOf(characters: readonly string[], lengthMax: number): string[] {
  let last = [""];
  const all = [""];
  for (let length = 1; length <= lengthMax; length++) {
    last = last.flatMap((text) => characters.map((character) => text + character));
    all.push(...last);
  }
  return all;
}

/** Caches the pattern of each segment. Without the cache, the test would mostly compile the same patterns again. */
const patterns = new Map<string, RegExp>();

function patternOf(segment: string): RegExp {
  const known = patterns.get(segment);
  if (known !== undefined) return known;
  const made = new RegExp(`^${segment.replaceAll("*", ".*").replaceAll("?", ".")}$`);
  patterns.set(segment, made);
  return made;
}

/** Matches a path by the definition of the grammar, without any optimization. */
function naiveMatches(glob: readonly string[], path: readonly string[]): boolean {
  const [first, ...rest] = glob;
  if (first === undefined) return path.length === 0;
  if (first === "**") return naiveMatches(rest, path) || (path.length > 0 && naiveMatches(glob, path.slice(1)));
  const [segment, ...others] = path;
  if (segment === undefined) return false;
  return patternOf(first).test(segment) && naiveMatches(rest, others);
}

t.test("every pair of short globs", (t) => {
  const paths = textsOf(PATH_CHARACTERS, PATH_LENGTH_MAX).map((path) => path.split("/"));
  const globs = textsOf(GLOB_CHARACTERS, GLOB_LENGTH_MAX);
  const compiled = globs.map((glob) => compilePathGlob(glob));
  /**
   * Maps each path to its index. `parents` has the index of each path's parent directory, or -1 for a path of one
   * segment.
   */
  const placeOf = new Map(paths.map((path, at) => [path.join("/"), at]));
  const parents = paths.map((path) => (path.length === 1 ? -1 : (placeOf.get(path.slice(0, -1).join("/")) as number)));
  const covered = globs.map((glob) => {
    const segments = glob.split("/");
    const coversBelow = !/[*?]/.test(glob);
    const words = new Uint32Array(Math.ceil(paths.length / 32));
    const has = (at: number): boolean => at >= 0 && ((words[at >>> 5] as number) & (1 << (at & 31))) !== 0;
    for (const [at, path] of paths.entries())
      if ((coversBelow && has(parents[at] as number)) || naiveMatches(segments, path))
        words[at >>> 5] = (words[at >>> 5] as number) | (1 << (at & 31));
    return words;
  });
  let pairs = 0;
  const wrong: string[] = [];
  for (const [at, glob] of compiled.entries()) {
    for (let other = at; other < compiled.length; other++) {
      const others = covered[other] as Uint32Array;
      const expected = (covered[at] as Uint32Array).some((word, index) => (word & (others[index] as number)) !== 0);
      const second = compiled[other] as PathGlob;
      pairs += 1;
      if (globsMeet(glob, second) !== expected || globsMeet(second, glob) !== expected)
        wrong.push(`${glob.text} and ${second.text}: ${String(!expected)}`);
    }
  }
  t.ok(pairs > 300_000, `${pairs} pairs`);
  t.same(wrong.slice(0, 5), []);
  t.end();
});

t.test("wildcards at every place of longer globs", (t) => {
  const path = ["src", "api", "v1", "users.ts"];
  for (let from = 0; from <= path.length; from++) {
    for (let to = from; to <= path.length; to++) {
      const many = [...path.slice(0, from), "**", ...path.slice(to)].join("/");
      t.ok(globsMeet(compilePathGlob(many), compilePathGlob(path.join("/"))), many);
      t.ok(globsMeet(compilePathGlob(many), compilePathGlob("**/users.*")) || to === path.length, `${many} twice`);
    }
  }
  t.ok(globsMeet(compilePathGlob("a/**"), compilePathGlob("a")), "none included");
  t.notOk(globsMeet(compilePathGlob("a/**"), compilePathGlob("ab")));
  t.ok(globsMeet(compilePathGlob("a/*"), compilePathGlob("a")), "a directory, and the paths in it");
  t.ok(globsMeet(compilePathGlob("a/**/z"), compilePathGlob("a/*/y/?")));
  t.notOk(globsMeet(compilePathGlob("a/**/z"), compilePathGlob("a/*/y/zz")));
  t.notOk(globsMeet(compilePathGlob("a/*"), compilePathGlob("a/b/c")), "a glob covers what it matches");
  t.end();
});

t.test("a name with an extension is a file's, unless the other glob names it as a directory", (t) => {
  const meet = (a: string, b: string): boolean => {
    const forward = globsMeet(compilePathGlob(a), compilePathGlob(b));
    t.equal(globsMeet(compilePathGlob(b), compilePathGlob(a)), forward, `${a} and ${b}, either way`);
    return forward;
  };
  for (const [a, b] of [
    ["**/*.ts", "README.md"],
    ["**/*.ts", "**/*.md"],
    ["**/*.ts", "src/*.md"],
    ["a/**/b.ts", "a/c.md"],
    ["src/*", "src/a/b.ts"],
    ["*.md", "a.md/**/b"],
  ] as const)
    t.notOk(meet(a, b), `${a} and ${b}`);
  for (const [a, b] of [
    ["**/*.ts", "lib"],
    ["**/*.ts", "lib/.git"],
    ["**/*.ts", "v1.2"],
    ["**/*.ts", "a.md/b.ts"],
    ["a.md", "a.md/b.ts"],
    ["a.md", "a.md/**"],
    ["**/*.md/*.ts", "a.md"],
    ["lib/*.ts", "lib"],
  ] as const)
    t.ok(meet(a, b), `${a} and ${b}`);
  t.end();
});

t.test("escapes, and characters without a special meaning", (t) => {
  t.ok(globsMeet(compilePathGlob("a\\*b"), literalPathGlob("a*b")));
  t.notOk(globsMeet(compilePathGlob("a\\*b"), compilePathGlob("axb")));
  t.ok(globsMeet(compilePathGlob("a\\*b"), compilePathGlob("a?b")));
  t.ok(globsMeet(compilePathGlob("a\\\\"), literalPathGlob("a\\")), "a backslash");
  t.ok(globsMeet(compilePathGlob("a\\x"), literalPathGlob("a\\x")), "before any other character it is literal");
  t.ok(globsMeet(compilePathGlob("[ab]"), literalPathGlob("[ab]")), "no classes");
  t.notOk(globsMeet(compilePathGlob("[ab]"), literalPathGlob("a")));
  t.notOk(globsMeet(compilePathGlob("A"), literalPathGlob("a")), "case counts");
  t.ok(globsMeet(compilePathGlob("?"), literalPathGlob("😀")), "a code point");
  t.ok(globsMeet(literalPathGlob("**"), compilePathGlob("\\*\\*")), "literal wildcards match only themselves");
  t.notOk(globsMeet(literalPathGlob("**"), compilePathGlob("a/b")));
  t.notOk(globsMeet(nameGlob("name:a"), nameGlob("name:a/b")), "a name is no directory");
  t.ok(globsMeet(compilePathGlob("*".repeat(512)), compilePathGlob("*a".repeat(256))));
  t.notOk(globsMeet(compilePathGlob(`${"*a".repeat(200)}*b`), compilePathGlob(`${"*b".repeat(200)}*a`)));
  t.end();
});
