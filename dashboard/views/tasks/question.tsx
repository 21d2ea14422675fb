/** Shows the question of a task with its author, and the answer. If there is no answer yet, shows a field for one. */
import { useSignal } from "@preact/signals";
import { changeTask } from "../../api/tasks.js";
import type { Task } from "../../api/types.js";
import { Agent } from "../../parts/agent.js";
import { Button } from "../../parts/button.js";
import { TextArea } from "../../parts/fields.js";
import { Section } from "../../parts/page.js";
import { PlainText } from "../../parts/plain-text.js";
import { Time } from "../../parts/time.js";
import { attempt } from "../../parts/toasts.js";
import { permission, type ActionProps } from "./actions.js";
import { exchangeOf } from "./model.js";

export function Question({ task, onDone }: ActionProps & { readonly task: Task }) {
  const { question, answer, state } = task;
  const { asked, answered } = exchangeOf(task);
  return (
    <Section title="Question">
      <div class="card task-question">
        {asked !== undefined && (
          <p class="task-asked">
            <Agent id={asked.actor} /> asks, <Time at={asked.at} />:
          </p>
        )}
        <PlainText text={question ?? ""} label="the question" />
        {answer !== null && (
          <>
            <p class="task-asked">
              {answered === undefined ? (
                "Answer:"
              ) : (
                <>
                  <Agent id={answered.actor} /> answered, <Time at={answered.at} />:
                </>
              )}
            </p>
            <PlainText text={answer} label="the answer" />
          </>
        )}
        {state === "input_required" && <Answer task={task} onDone={onDone} />}
      </div>
    </Section>
  );
}

function Answer({ task, onDone }: ActionProps) {
  const text = useSignal("");
  const answer = async (): Promise<void> => {
    const body = { answer: text.value.trim() };
    if (await attempt(() => changeTask(task.id, "answer", body), `Task ${task.id} answered`)) await onDone();
  };
  const { disabled, ...why } = permission(task);
  return (
    <>
      <TextArea
        label="Answer"
        rows={4}
        value={text.value}
        onInput={(typed) => {
          text.value = typed;
        }}
      />
      <Button kind="primary" onClick={answer} disabled={disabled || text.value.trim() === ""} {...why}>
        Answer
      </Button>
    </>
  );
}
