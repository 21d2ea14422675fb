/** Lists the questions that agents have asked about their tasks. Each leads to the task, where it is answered. */
import { openQuestions } from "../../api/tasks.js";
import { useResource } from "../../api/resource.js";
import { addressOf } from "../../base/address.js";
import { Agent } from "../../parts/agent.js";
import { Section } from "../../parts/page.js";
import { Time } from "../../parts/time.js";

const SHOWN_MAX = 5;

/** Renders nothing if there are no questions. */
export function Questions() {
  const asking = useResource(openQuestions).data.value?.input_required ?? [];
  if (asking.length === 0) return null;
  return (
    <Section title="Open questions" actions={<a href="/">Needs me</a>}>
      <ul class="questions">
        {asking.slice(0, SHOWN_MAX).map(({ id, title, question, asked_by, updated_at }) => (
          <li key={id}>
            <a href={addressOf("tasks", id)}>{title}</a>:{" "}
            {asked_by !== undefined && (
              <>
                <Agent id={asked_by} /> asks:{" "}
              </>
            )}
            {question}{" "}
            <span class="muted">
              <Time at={updated_at} />
            </span>
          </li>
        ))}
      </ul>
    </Section>
  );
}
