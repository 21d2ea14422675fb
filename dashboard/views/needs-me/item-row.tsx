/** Shows one item that needs a person: name, description, age and actions. */
import { useSignal } from "@preact/signals";
import { mayDecide } from "../../api/session.js";
import { attempt } from "../../parts/toasts.js";
import { Button, CopyButton } from "../../parts/button.js";
import { Confirm } from "../../parts/dialog.js";
import { addressed } from "../../parts/empty.js";
import { Time } from "../../parts/time.js";
import type { Action, Item } from "./source.js";

export function ItemRow({ item: { name, address, line, since, tone, actions, message } }: { readonly item: Item }) {
  const asked = useSignal<Action | null>(null);
  const may = mayDecide.value;
  const act = (action: Action): Promise<boolean> => attempt(action.run, action.done);
  return (
    <li class={`need need-${tone}`}>
      <div class="need-what">
        <a class="need-name" href={address}>
          {name}
        </a>
        <p class="need-line">{line}</p>
      </div>
      <span class="need-since">
        <Time at={since} />
      </span>
      <div class="buttons">
        {actions.map((action) => (
          <Button
            key={action.text}
            {...(action.kind === undefined ? {} : { kind: action.kind })}
            {...(may ? {} : { title: "This needs the server's token." })}
            disabled={!may}
            label={`${action.text} ${name}`}
            onClick={() => {
              if (action.ask === undefined) return act(action);
              asked.value = action;
              return undefined;
            }}
          >
            {action.text}
          </Button>
        ))}
        {message !== undefined && (
          <CopyButton
            text={addressed(`koor-cli message send ${message.to.id} '${message.subject}' --intent request`)}
            what={`message to ${message.to.name} about ${name}`}
            name="Copy message"
          />
        )}
      </div>
      {asked.value?.ask !== undefined && (
        <Confirm
          title={asked.value.ask.title}
          action={asked.value.text}
          danger
          onConfirm={() => (asked.value === null ? Promise.resolve() : act(asked.value))}
          onClose={() => {
            asked.value = null;
          }}
        >
          <p>{asked.value.ask.words}</p>
        </Confirm>
      )}
    </li>
  );
}
