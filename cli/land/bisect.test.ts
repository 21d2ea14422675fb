/** Tests which branches of a batch land, and how many runs of the check this takes. */
import t from "tap";

import { failed } from "../failure.js";
import { findPassing } from "./bisect.js";

/**
 * Tries `total` branches. The branch at position `bad` (counted from 1) makes the check fail. Returns the result, and
 * the number of branches in each run of the check.
 */
async function tryBatch(total: number, bad: number) {
  const tried: number[] = [];
  const passing = await findPassing(total, (count) => {
    tried.push(count);
    return Promise.resolve({ exitCode: count >= bad ? 1 : 0, log: [`${count}`] });
  });
  return { passing, tried };
}

t.test("a batch that passes is checked once", async (t) => {
  t.match(await tryBatch(8, 9), { passing: { count: 8, failed: null }, tried: [8] });
  t.match(await tryBatch(1, 2), { passing: { count: 1, failed: null }, tried: [1] });
});

t.test("the branches before the first bad one are found by halving", async (t) => {
  for (let total = 1; total <= 9; total += 1)
    for (let bad = 1; bad <= total; bad += 1) {
      const { passing, tried } = await tryBatch(total, bad);
      t.match(passing, { count: bad - 1, failed: { log: [`${bad}`] } }, `${bad} of ${total}`);
      t.equal(new Set(tried).size, tried.length, "no check runs twice");
      t.ok(tried.length <= 2 + Math.log2(total), `${tried.length} checks`);
    }
});

t.test("a check that cannot run ends it", async (t) => {
  const failure = failed("stopped");
  t.equal(await findPassing(4, () => Promise.resolve(failure)), failure);
});
