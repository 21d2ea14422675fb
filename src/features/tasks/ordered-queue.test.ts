/** Tests the queue against a sorted list, with items that mostly arrive in order. */
import t from "tap";
import { countRounds } from "../../../test/support/test-size.js";
import { makeRandom, newSeed } from "../../../test/support/random.js";
import { OrderedQueue } from "./ordered-queue.js";

/** The number of steps of each run. With so many steps, the queue's array is compacted, and is also emptied. */
const STEPS_OF_A_KIND = 6_000;

void t.test("the smallest item comes out first, whatever the order of arrival", (t) => {
  const seed = newSeed();
  const random = makeRandom(seed);
  const inOrder = (a: number, b: number): number => a - b;
  const queue = new OrderedQueue<number>(inOrder);
  let expected: number[] = [];
  const push = (item: number): void => {
    queue.push(item);
    expected.push(item);
    expected.sort(inOrder);
  };
  let newest = 0;
  let wrong = 0;
  for (let step = 0; step < countRounds(40_000, 400_000); step++) {
    const grows = Math.floor(step / STEPS_OF_A_KIND) % 2 === 0;
    const kind = random(100);
    if (kind < (grows ? 70 : 20)) {
      newest += random(3);
      push(random(8) === 0 ? random(newest + 1) : newest);
    } else if (kind < 99) {
      const taken = expected.splice(0, 1 + random(3));
      for (const item of taken) if (queue.pop() !== item) wrong += 1;
      // Put some of the taken items back, as a search does with the items that it has passed over.
      if (random(2) === 0) for (const item of taken.toReversed()) push(item);
    } else if (random(10) === 0) {
      const dropped = random(7);
      queue.retain((item) => item % 7 !== dropped);
      expected = expected.filter((item) => item % 7 !== dropped);
    }
    if (queue.length !== expected.length || queue.peek() !== expected[0]) wrong += 1;
  }
  while (expected.length > 0) if (queue.pop() !== expected.shift()) wrong += 1;
  if (queue.pop() !== undefined) wrong += 1;
  t.equal(wrong, 0, `seed ${seed}`);
  t.end();
});
