import t from "tap";
import { ANSWERS_PER_TICK, ANSWERS_TICK_MS } from "../../../schemas/limits/answers.js";
import { AnswerBudget } from "./answer-budget.js";

const nextTick = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

function passTime(ms: number): void {
  for (const fromMs = performance.now(); performance.now() - fromMs <= ms; );
}

t.test("a tick is over when it has answered many requests and taken long", async (t) => {
  const answers = new AnswerBudget();
  for (let at = 0; at < ANSWERS_PER_TICK; at++) t.notOk(answers.isOver(), "few");
  passTime(ANSWERS_TICK_MS);
  t.ok(answers.isOver(), "many, and long");
  t.ok(answers.isOver());
  await nextTick();
  t.notOk(answers.isOver(), "the next tick starts at zero");
});

t.test("a few slow answers are all sent", (t) => {
  const answers = new AnswerBudget();
  for (let at = 0; at < ANSWERS_PER_TICK; at++) {
    t.notOk(answers.isOver());
    passTime(1);
  }
  t.end();
});
