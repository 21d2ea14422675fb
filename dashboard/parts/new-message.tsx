/** A button that opens a form for a message to an agent. It is left out for a user who may not send messages. */
import { useSignal } from "@preact/signals";
import { agentsLoader } from "../api/agents.js";
import { isOperator, sendMessage } from "../api/operator.js";
import { useResource } from "../api/resource.js";
import type { Instance } from "../api/types.js";
import { Confirm } from "./dialog.js";
import { Choice, Fields, TextArea, TextField } from "./fields.js";
import { FormButton } from "./form-button.js";
import { attempt } from "./toasts.js";

interface MessageProps {
  /** The recipient. If it is absent, the user chooses one. */
  readonly to?: Pick<Instance, "id" | "name">;
}

export function NewMessage({ to }: MessageProps) {
  return (
    <FormButton
      label="Send a message"
      form={(onClose) => <Form {...(to === undefined ? {} : { to })} onClose={onClose} />}
    />
  );
}

const INTENTS = [
  ["inform", "For information"],
  ["request", "Asks for an answer"],
] as const;
type Intent = (typeof INTENTS)[number][0];

function Form({ to, onClose }: MessageProps & { readonly onClose: () => void }) {
  const agents = useResource(agentsLoader).data.value ?? [];
  const recipient = useSignal(to?.id ?? "");
  const subject = useSignal("");
  const body = useSignal("");
  const intent = useSignal<Intent>("request");
  const choices = agents
    .filter((agent) => agent.status === "active" && !isOperator(agent))
    .map(({ id, name, workspace }) => [id, workspace === "" ? name : `${name} (${workspace})`] as const)
    .sort(([, a], [, b]) => a.localeCompare(b));
  const name = to?.name ?? agents.find(({ id }) => id === recipient.value)?.name ?? "";
  const submit = (): Promise<boolean> =>
    attempt(
      () =>
        sendMessage({
          to: recipient.value,
          subject: subject.value.trim(),
          body: body.value,
          intent: intent.value,
        }),
      `Message sent to ${name}`,
    );
  return (
    <Confirm
      title={to === undefined ? "Send a message" : `Send a message to ${to.name}`}
      action="Send"
      ready={recipient.value !== "" && subject.value.trim() !== ""}
      onConfirm={submit}
      onClose={onClose}
    >
      <Fields>
        {to === undefined && (
          <Choice
            label="To"
            value={recipient.value}
            choices={[["", choices.length === 0 ? "No agent is active" : "Choose an agent"], ...choices]}
            onChoose={(id) => {
              recipient.value = id;
            }}
          />
        )}
        <Choice<Intent>
          label="Kind"
          value={intent.value}
          choices={INTENTS}
          onChoose={(chosen) => {
            intent.value = chosen;
          }}
        />
      </Fields>
      <TextField
        label="Subject"
        value={subject.value}
        onInput={(text) => {
          subject.value = text;
        }}
      />
      <TextArea
        label="Text"
        rows={4}
        value={body.value}
        hint="Answers that are requests appear under Needs me, all others under Messages."
        onInput={(text) => {
          body.value = text;
        }}
      />
    </Confirm>
  );
}
