/** Tests how the headers of a hook's request are read: lists, defaults, and values that are malformed. */
import * as fc from "fast-check";
import t from "tap";
import { HOOK_AUTO_TTL_S_DEFAULT, HOOK_PATH_LISTS_MAX, HOOK_ROOTS_MAX } from "../../../schemas/limits/hooks.js";
import { newSeed } from "../../../test/support/random.js";
import { HookHeaderReader, type HookHeaders, withDefaultRoot } from "./headers.js";

const reader = new HookHeaderReader();

function read(headers: Readonly<Record<string, string>>): HookHeaders {
  return reader.read((name) => headers[name] ?? "");
}

t.test("the headers of a request", (t) => {
  const all = read({
    "x-koor-root": "/home/ana/p,%2Fmnt%2Fa%2Cb",
    "x-koor-workspace": "github.com/ana/p",
    "x-koor-checkout": "0123456789abcdef",
    "x-koor-branch": "feature/tax%C3%A9",
    "x-koor-policy": "strict",
    "x-koor-ignore": "dist/**, a%2Cb",
    "x-koor-repo-scope": "schema.sql",
    "x-koor-auto-ttl": "60",
  });
  t.match(all, {
    roots: ["/home/ana/p", "/mnt/a,b"],
    workspace: "github.com/ana/p",
    checkout: "0123456789abcdef",
    branch: "feature/taxé",
    policy: "strict",
    autoTtlS: 60,
  });
  t.same(
    [["dist", "x"], ["a,b"], ["node_modules", "x"], [".git", "x"]].map((path) => all.ignored.covers(path)),
    [true, true, false, false],
    "the project's globs replace the defaults",
  );
  t.same(
    [["schema.sql"], ["package-lock.json"]].map((path) => all.repoScope.covers(path)),
    [true, false],
  );
  t.end();
});

t.test("a header that is missing or malformed", (t) => {
  const none = read({});
  t.match(none, { workspace: null, checkout: null, branch: null, policy: "auto", autoTtlS: HOOK_AUTO_TTL_S_DEFAULT });
  t.same(none.roots, []);
  t.ok(none.ignored.covers(["node_modules", "x"]) && none.repoScope.covers(["package-lock.json"]), "the defaults");
  for (const [name, values, member, expected] of [
    ["x-koor-root", ["relative", "%zz", "/a%00b", "/a%0ab", `/${"x".repeat(5_000)}`, ","], "roots", []],
    ["x-koor-workspace", ["%zz", "a%0ab", "x".repeat(257), "%E2%80%8B"], "workspace", null],
    ["x-koor-checkout", ["A", "a_b", "x".repeat(65), "a,b", "%zz"], "checkout", null],
    ["x-koor-branch", ["a%0ab", "%zz", "x".repeat(1_025)], "branch", null],
    ["x-koor-policy", ["AUTO", "none", "%73trict%", "auto,auto"], "policy", "auto"],
    ["x-koor-auto-ttl", ["59", "86401", "600.5", "-600", "1e3", "x"], "autoTtlS", HOOK_AUTO_TTL_S_DEFAULT],
  ] as const)
    for (const value of values) t.same(read({ [name]: value })[member], expected, `${name}: ${value.slice(0, 20)}`);
  t.equal(read({ "x-koor-auto-ttl": "86400" }).autoTtlS, 86_400);
  t.equal(read({ "x-koor-policy": "warn" }).policy, "warn");
  const many = Array.from({ length: 100 }, (_, at) => `/r${at}`).join(", ");
  t.equal(read({ "x-koor-root": many }).roots.length, HOOK_ROOTS_MAX);
  t.end();
});

t.test("the workspace and the root by default", (t) => {
  t.equal(read({ "x-koor-root": "/a,/b" }).workspace, "/a", "the first root");
  t.match(withDefaultRoot(read({}), "/w"), { roots: ["/w"], workspace: "/w" });
  t.match(withDefaultRoot(read({ "x-koor-workspace": "w" }), "C:\\w"), { roots: ["C:\\w"], workspace: "w" });
  t.match(withDefaultRoot(read({ "x-koor-root": "/a" }), "/w"), { roots: ["/a"], workspace: "/a" });
  t.match(withDefaultRoot(read({}), ""), { workspace: null });
  t.same(withDefaultRoot(read({}), "relative").roots, []);
  t.end();
});

t.test("compiled lists of globs are kept, up to a limit", (t) => {
  const own = new HookHeaderReader();
  const ignore = (value: string): HookHeaders => own.read((name) => (name === "x-koor-ignore" ? value : ""));
  t.equal(ignore("a").ignored, ignore("a").ignored, "the same list");
  t.not(ignore("a").ignored, ignore("b").ignored);
  t.equal(ignore("a").repoScope, ignore("b").repoScope, "the default");
  const same = own.read((name) => (name === "x-koor-ignore" || name === "x-koor-repo-scope" ? "," : ""));
  t.ok(same.ignored.covers(["node_modules", "x"]) && same.repoScope.covers(["go.sum"]), "each header has its default");
  for (let at = 0; at < 10 * HOOK_PATH_LISTS_MAX; at++) ignore(`d${at}`);
  t.ok(own.lists <= HOOK_PATH_LISTS_MAX, `${own.lists} lists`);
  t.end();
});

t.test("no header makes the code throw", (t) => {
  const value = fc.string({ unit: fc.constantFrom(..."%09afAFzZ,;/\\.*?{}[]!| ~:é-".split("")), maxLength: 60 });
  const names = ["root", "workspace", "checkout", "branch", "policy", "ignore", "repo-scope", "auto-ttl"];
  const property = fc.property(
    fc.dictionary(fc.constantFrom(...names.map((name) => `x-koor-${name}`)), value),
    (headers) => Array.isArray(withDefaultRoot(read(headers), "/w").roots),
  );
  t.doesNotThrow(() => fc.assert(property, { numRuns: 2_000, seed: newSeed() | 0 }));
  t.end();
});
