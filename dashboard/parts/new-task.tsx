/** A button that opens a form for a new task. It is left out for a user who may not add tasks. */
import { useSignal } from "@preact/signals";
import { agentsLoader } from "../api/agents.js";
import { useResource } from "../api/resource.js";
import { addTask } from "../api/tasks.js";
import { AgentChoice } from "./agent-choice.js";
import { Confirm } from "./dialog.js";
import { Choice, Fields, TextArea, TextField } from "./fields.js";
import { FormButton } from "./form-button.js";
import { attempt } from "./toasts.js";

export function NewTask() {
  return <FormButton label="Add a task" form={(onClose) => <Form onClose={onClose} />} />;
}

const PRIORITIES = [
  ["9", "Urgent"],
  ["5", "Normal"],
  ["1", "Low"],
] as const;
type Priority = (typeof PRIORITIES)[number][0];

function Form({ onClose }: { readonly onClose: () => void }) {
  const agents = useResource(agentsLoader).data.value ?? [];
  // The form starts with the workspace of the first active agent, because agents claim only tasks of their workspace.
  const workspace = useSignal(agents.find(({ status }) => status === "active")?.workspace ?? "");
  const title = useSignal("");
  const body = useSignal("");
  const assignee = useSignal("");
  const priority = useSignal<Priority>("5");
  const submit = (): Promise<boolean> =>
    attempt(
      () =>
        addTask({
          title: title.value.trim(),
          body: body.value,
          workspace: workspace.value.trim(),
          priority: Number(priority.value),
          ...(assignee.value === "" ? {} : { assignee: assignee.value }),
        }),
      `Task added: ${title.value.trim()}`,
    );
  return (
    <Confirm title="Add a task" action="Add" ready={title.value.trim() !== ""} onConfirm={submit} onClose={onClose}>
      <TextField
        label="Title"
        value={title.value}
        onInput={(text) => {
          title.value = text;
        }}
      />
      <TextArea
        label="What there is to do"
        rows={4}
        value={body.value}
        onInput={(text) => {
          body.value = text;
        }}
      />
      <Fields>
        <TextField
          label="Workspace"
          value={workspace.value}
          onInput={(text) => {
            workspace.value = text;
          }}
        />
        <Choice<Priority>
          label="Priority"
          value={priority.value}
          choices={PRIORITIES}
          onChoose={(chosen) => {
            priority.value = chosen;
          }}
        />
        <AgentChoice
          label="Only for"
          value={assignee.value}
          onChoose={(id) => {
            assignee.value = id;
          }}
        />
      </Fields>
    </Confirm>
  );
}
