/**
 * The form for a new webhook, in a dialog. If the server rejects the webhook, the reason is shown at the field that
 * caused it.
 */
import { useSignal } from "@preact/signals";
import { useEffect, useRef } from "preact/hooks";
import { reasonOf, send } from "../../api/client.js";
import type { Webhook } from "../../api/types.js";
import { showToast } from "../../parts/toasts.js";
import { Button } from "../../parts/button.js";
import { TextField } from "../../parts/fields.js";
import { fieldOf, patternsOf, type FormField } from "./model.js";

interface AddProps {
  readonly onAdded: () => Promise<void>;
  readonly onClose: () => void;
}

interface FormRow {
  readonly field: FormField;
  readonly label: string;
  readonly placeholder: string;
  readonly hint: string;
  readonly type?: "password";
}

const ROWS: readonly FormRow[] = [
  { field: "id", label: "Id", placeholder: "ci", hint: "A name for the webhook." },
  { field: "url", label: "URL", placeholder: "https://ci.example.com/koor", hint: "Each event is sent as a POST." },
  {
    field: "patterns",
    label: "Patterns",
    placeholder: "every topic",
    hint: "Topic patterns, separated by commas: api.**, build.done",
  },
  {
    field: "secret",
    label: "Secret",
    placeholder: "",
    hint: "Signs the deliveries. It is never shown again.",
    type: "password",
  },
];

const EMPTY: Readonly<Record<FormField, string>> = { id: "", url: "", patterns: "", secret: "" };

export function Add({ onAdded, onClose }: AddProps) {
  const dialog = useRef<HTMLDialogElement>(null);
  const form = useSignal(EMPTY);
  const refusal = useSignal("");
  const busy = useSignal(false);
  useEffect(() => {
    dialog.current?.showModal();
  }, []);
  const refused = refusal.value === "" ? undefined : fieldOf(refusal.value);
  const submit = async (): Promise<void> => {
    const { patterns, ...rest } = form.value;
    busy.value = true;
    refusal.value = "";
    try {
      const { id } = await send<Webhook>("POST", "/api/webhooks", { ...rest, patterns: patternsOf(patterns) });
      showToast(`Webhook ${id} added. Send a test delivery to check the receiver.`);
      await onAdded();
      dialog.current?.close();
    } catch (error) {
      refusal.value = reasonOf(error);
    } finally {
      busy.value = false;
    }
  };
  return (
    <dialog ref={dialog} class="dialog" aria-labelledby="add-webhook" onClose={onClose}>
      <h2 id="add-webhook">Add a webhook</h2>
      <form
        class="webhook-form"
        onSubmit={(event) => {
          event.preventDefault();
          void submit();
        }}
      >
        {ROWS.map(({ field, hint, ...row }) => (
          <TextField
            key={field}
            {...row}
            value={form.value[field]}
            hint={refused === field ? refusal.value : hint}
            invalid={refused === field}
            onInput={(value) => {
              form.value = { ...form.value, [field]: value };
              if (refused === field) refusal.value = "";
            }}
          />
        ))}
        <p class="failure" role="alert">
          {refused === undefined ? refusal.value : ""}
        </p>
        <div class="dialog-actions">
          <Button onClick={() => dialog.current?.close()}>Cancel</Button>
          <button type="submit" class="button button-primary" disabled={busy.value} aria-busy={busy.value}>
            Add webhook
          </button>
        </div>
      </form>
    </dialog>
  );
}
