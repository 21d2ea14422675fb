/**
 * An editor of a value as text. It checks JSON while the user types. If another version is stored meanwhile, the editor
 * shows the differences. The user must then decide which text to keep, before anything can be saved.
 */
import type { Signal } from "@preact/signals";
import type { ComponentChildren } from "preact";
import { ApiError, putText, reasonOf } from "../api/client.js";
import { query } from "../base/path.js";
import { Button } from "../parts/button.js";
import { indented, languageOf } from "../parts/code-text.js";
import { Confirm } from "../parts/dialog.js";
import { Diff } from "../parts/diff.js";
import { Choice, Fields, TextArea } from "../parts/fields.js";
import { Notice } from "../parts/notice.js";
import { showToast } from "../parts/toasts.js";
import { checkDraft, CONTENT_TYPES, type Draft } from "./draft.js";
import type { Named } from "./space.js";

interface EditorProps {
  readonly title: string;
  /** The key or spec that a save writes; null while its name is missing. */
  readonly named: Named | null;
  /** The current value. Its version is 0 if there is none. */
  readonly stored: Draft;
  /** The user's changes; null while the editor shows the stored value. They are kept when the dialog is closed. */
  readonly draft: Signal<Draft | null>;
  /** Reads the current value again. Called after a save was refused because there is a newer version. */
  readonly onRefused: (named: Named) => Promise<unknown>;
  readonly onSaved?: (named: Named) => void;
  readonly onClose: () => void;
  /** Additional fields, which are shown above the text. */
  readonly children?: ComponentChildren;
}

const PRECONDITION_FAILED = 412;
const ROWS = 18;

export function Editor({ title, named, stored, draft, onRefused, onSaved, onClose, children }: EditorProps) {
  const shown = draft.value ?? stored;
  const { valid, words } = checkDraft(shown);
  const outdated = shown.version !== stored.version;
  const changed = shown.text !== stored.text || shown.contentType !== stored.contentType;
  const set = (changes: Partial<Draft>): void => {
    draft.value = { ...shown, ...changes };
  };
  const save = async (): Promise<boolean> => {
    if (named === null) return false;
    try {
      const path = named.api + query({ if_version: shown.version });
      const { version } = await putText<{ readonly version: number }>(path, shown.text, shown.contentType);
      draft.value = null;
      showToast(`${named.name} stored as version ${version}`);
      onSaved?.(named);
      return true;
    } catch (error) {
      const refused = error instanceof ApiError && error.status === PRECONDITION_FAILED;
      showToast(refused ? `${named.name} was changed meanwhile: nothing was stored` : reasonOf(error), "bad");
      if (refused) await onRefused(named);
      return false;
    }
  };
  return (
    <Confirm
      title={title}
      action="Save"
      wide
      ready={named !== null && valid && changed && !outdated}
      onConfirm={save}
      onClose={onClose}
    >
      {outdated && <Conflict mine={shown} stored={stored} draft={draft} />}
      <Fields>
        {children}
        <Choice
          label="Type"
          value={shown.contentType}
          choices={[...new Set([shown.contentType, ...CONTENT_TYPES])].map((type) => [type, type] as const)}
          onChoose={(contentType) => set({ contentType })}
        />
      </Fields>
      <TextArea
        label="Value"
        rows={ROWS}
        value={shown.text}
        hint={words}
        invalid={!valid && draft.value !== null}
        onInput={(text) => set({ text })}
      />
    </Confirm>
  );
}

interface ConflictProps extends Pick<EditorProps, "stored" | "draft"> {
  readonly mine: Draft;
}

/** Shows the value that another client has stored meanwhile, beside the user's text. */
function Conflict({ mine, stored, draft }: ConflictProps) {
  const { version } = stored;
  const keep = (): void => {
    draft.value = { ...mine, version };
  };
  const discard = (): void => {
    draft.value = null;
  };
  return (
    <>
      <Notice tone="bad">
        {version === 0 ? "This was deleted while you edited it." : `Version ${version} was stored while you edited.`}
        <div class="buttons">
          <Button onClick={keep}>Keep my text</Button>
          <Button onClick={discard}>{version === 0 ? "Discard my text" : `Use version ${version}`}</Button>
        </div>
      </Notice>
      {version !== 0 && (
        <Diff
          before={stored.text}
          after={indented(mine.text, languageOf(mine.contentType, mine.text))}
          label={`Version ${version} beside your text`}
        />
      )}
    </>
  );
}
