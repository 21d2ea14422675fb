/** The button that creates a key or spec, with an editor of its first value. */
import { useSignal } from "@preact/signals";
import { useLocation } from "preact-iso/router";
import { getValue } from "../api/client.js";
import { TextField } from "../parts/fields.js";
import { FormButton } from "../parts/form-button.js";
import type { Draft } from "./draft.js";
import { Editor } from "./editor.js";
import { draftOf, type Named, type Space } from "./space.js";

const NOTHING: Draft = { text: "", contentType: "application/json", version: 0 };

export function Create({ space }: { readonly space: Space }) {
  return <FormButton label={`Create a ${space.one}`} form={(onClose) => <Form space={space} onClose={onClose} />} />;
}

function Form({ space, onClose }: { readonly space: Space; readonly onClose: () => void }) {
  const { route } = useLocation();
  const name = useSignal("");
  const draft = useSignal<Draft | null>(null);
  const stored = useSignal(NOTHING);
  const readAgain = async ({ api }: Named): Promise<void> => {
    const value = await getValue(api);
    stored.value = draftOf(value) ?? { ...NOTHING, contentType: value.content_type, version: value.version };
  };
  return (
    <Editor
      title={`Create a ${space.one}`}
      named={space.named(name.value.trim().split("/"))}
      stored={stored.value}
      draft={draft}
      onRefused={readAgain}
      onSaved={({ address }) => route(address)}
      onClose={onClose}
    >
      <TextField
        label="Name"
        value={name.value}
        placeholder={space.example}
        onInput={(text) => {
          name.value = text;
          // Forgets the stored version, because it belongs to another name.
          stored.value = NOTHING;
        }}
      />
    </Editor>
  );
}
