/** Tests that the labels of checkouts distinguish them. */
import t from "tap";
import { type Checkout, checkoutLabels, checkoutsOf, checkoutTitle } from "./checkouts.js";

const checkout = (id: string, branch: string | null, root: string | null = null): Checkout => ({
  id,
  branch,
  root,
  machine: null,
});
const labelsOf = (...all: readonly Checkout[]): string[] => {
  const labels = checkoutLabels(new Map(all.map((one) => [one.id, one])));
  return all.map(({ id }) => labels.get(id) ?? "none");
};

t.test("a checkout is called by its branch, its folder or its id", (t) => {
  t.same(labelsOf(checkout("a", "main", "/w/shop"), checkout("b", null, "C:\\w\\fix\\"), checkout("c", null)), [
    "main",
    "fix",
    "c",
  ]);
  t.same(labelsOf(checkout("a", null, "/")), ["a"], "the root has no name");
  t.end();
});

t.test("checkouts of one branch are told apart by their folders, else by their ids", (t) => {
  const shop = checkout("a", "main", "/w/shop");
  t.same(labelsOf(shop, checkout("b", "main", "/w/fix"), checkout("c", "next", "/w/fix")), [
    "main · shop",
    "main · fix",
    "next",
  ]);
  t.same(labelsOf(shop, checkout("b", "main", "/home/w/shop"), checkout("c", "main")), [
    "main · a",
    "main · b",
    "main · c",
  ]);
  t.end();
});

t.test("the agent that was seen last in a checkout says its branch", (t) => {
  const agents = [
    { checkout: checkout("a", "next") },
    { checkout: null },
    { checkout: checkout("a", "main") },
    { checkout: checkout("b", "main") },
  ];
  t.same(
    [...checkoutsOf(agents).values()].map(({ id, branch }) => [id, branch]),
    [
      ["a", "next"],
      ["b", "main"],
    ],
  );
  t.end();
});

t.test("the title of a checkout says where it is", (t) => {
  t.equal(checkoutTitle({ ...checkout("c-1", "main", "/w/shop"), machine: "laptop" }), "/w/shop · laptop · c-1");
  t.equal(checkoutTitle(checkout("c-1", "main")), "c-1", "what is not known is left out");
  t.end();
});
