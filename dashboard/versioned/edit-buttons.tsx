/**
 * The buttons that edit and delete the current value of a key or spec. They are left out for a user who may not make
 * changes.
 */
import { useSignal } from "@preact/signals";
import { mayWrite } from "../api/session.js";
import { Button } from "../parts/button.js";
import { Delete } from "./delete.js";
import type { Draft } from "./draft.js";
import { Editor } from "./editor.js";
import type { Named, Space } from "./space.js";

interface EditButtonsProps {
  readonly space: Space;
  readonly named: Named;
  /** The current value; undefined if it is not text, or is too long to be edited. */
  readonly stored: Draft | undefined;
  /** The current version; 0 if there is none. */
  readonly version: number;
  readonly onRefused: () => Promise<unknown>;
}

export function EditButtons({ space, named, stored, version, onRefused }: EditButtonsProps) {
  const open = useSignal<"edit" | "delete" | null>(null);
  /** The user's changes. They are kept while the page is shown, so that closing the dialog loses nothing. */
  const draft = useSignal<Draft | null>(null);
  const close = (): void => {
    open.value = null;
  };
  if (!mayWrite.value) return null;
  return (
    <>
      <Button
        disabled={stored === undefined}
        {...(stored === undefined ? { title: "It is not text, or it is too long." } : {})}
        onClick={() => {
          open.value = "edit";
        }}
      >
        {draft.value !== null ? "Continue to edit" : version === 0 ? "Create" : "Edit"}
      </Button>
      {version > 0 && (
        <Button
          kind="danger"
          onClick={() => {
            open.value = "delete";
          }}
        >
          Delete
        </Button>
      )}
      {open.value === "edit" && stored !== undefined && (
        <Editor
          title={`Edit ${named.name}`}
          named={named}
          stored={stored}
          draft={draft}
          onRefused={onRefused}
          onClose={close}
        />
      )}
      {open.value === "delete" && <Delete space={space} named={named} version={version} onClose={close} />}
    </>
  );
}
