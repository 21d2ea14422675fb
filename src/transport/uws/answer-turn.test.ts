import t from "tap";
import { ANSWERS_A_TURN, ANSWERS_TURN_MS } from "../../../schemas/limits.js";
import { AnswerTurn } from "./answer-turn.js";

const nextTurn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

function passTime(ms: number): void {
  for (const from_ms = performance.now(); performance.now() - from_ms <= ms; );
}

t.test("a turn is over when it has answered many and taken long", async (t) => {
  const turn = new AnswerTurn();
  for (let at = 0; at < ANSWERS_A_TURN; at++) t.notOk(turn.isOver(), "few");
  passTime(ANSWERS_TURN_MS);
  t.ok(turn.isOver(), "many, and long");
  t.ok(turn.isOver());
  await nextTurn();
  t.notOk(turn.isOver(), "the next turn begins anew");
});

t.test("few that take long are answered all the same", (t) => {
  const turn = new AnswerTurn();
  for (let at = 0; at < ANSWERS_A_TURN; at++) {
    t.notOk(turn.isOver());
    passTime(1);
  }
  t.end();
});
