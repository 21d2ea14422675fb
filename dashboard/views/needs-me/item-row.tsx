/** Shows one item that needs a person: its description, the reason why it matters, its age, and the actions. */
import { useSignal } from "@preact/signals";
import { mayDecide } from "../../api/session.js";
import { count as counted } from "../../base/format.js";
import { Button } from "../../parts/button.js";
import { Confirm } from "../../parts/dialog.js";
import { TextArea, TextField } from "../../parts/fields.js";
import { Time } from "../../parts/time.js";
import { attempt } from "../../parts/toasts.js";
import type { Action, Item } from "./source.js";

export function ItemRow({ item: { name, address, count, line, why, since, tone, actions } }: { readonly item: Item }) {
  const asked = useSignal<Action | null>(null);
  // An action that the user may not take is left out. The row then only describes the item.
  const possible = actions.filter(({ may = mayDecide.value }) => may);
  return (
    <li class={`need need-${tone}`}>
      <div class="need-what">
        <a class="need-name" href={address}>
          {name}
        </a>
        {count !== undefined && (
          <span class="need-count" title={`${counted(count)} of them`}>
            ×{counted(count)}
          </span>
        )}
        <p class="need-line">{line}</p>
        <p class="need-why">{why}</p>
      </div>
      <span class="need-since">
        <Time at={since} />
      </span>
      <div class="buttons">
        {possible.map((action) => (
          <Button
            key={action.text}
            {...(action.kind === undefined ? {} : { kind: action.kind })}
            label={`${action.text} ${name}`}
            onClick={() => {
              if (action.ask === undefined) return attempt(() => action.run(""), action.done);
              asked.value = action;
              return undefined;
            }}
          >
            {action.text}
          </Button>
        ))}
      </div>
      {asked.value !== null && (
        <Asking
          action={asked.value}
          onClose={() => {
            asked.value = null;
          }}
        />
      )}
    </li>
  );
}

/** Shows the dialog that asks the user before an action. */
function Asking({ action, onClose }: { readonly action: Action; readonly onClose: () => void }) {
  const { text, kind, ask, run, done } = action;
  const field = ask?.field;
  const said = useSignal(field?.text ?? "");
  const ready = field === undefined || said.value.trim() !== "";
  const shared = {
    label: field?.label ?? "",
    value: said.value,
    ...(field?.hint === undefined ? {} : { hint: field.hint }),
    onInput: (typed: string) => {
      said.value = typed;
    },
  };
  return (
    <Confirm
      title={ask?.title ?? ""}
      action={text}
      danger={kind !== "primary"}
      ready={ready}
      onConfirm={() => attempt(() => run(said.value.trim()), done)}
      onClose={onClose}
    >
      {ask?.words !== undefined && <p>{ask.words}</p>}
      {field !== undefined && (field.long === true ? <TextArea {...shared} rows={4} /> : <TextField {...shared} />)}
    </Confirm>
  );
}
