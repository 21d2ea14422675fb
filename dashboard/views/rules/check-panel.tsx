/** A panel that checks a text while the user types it. It uses one rule, or all accepted rules of a project. */
import { useSignal } from "@preact/signals";
import { useEffect } from "preact/hooks";
import { reasonOf, send } from "../../api/client.js";
import type { Rule, RulePreview } from "../../api/types.js";
import { plural } from "../../base/format.js";
import { Badge } from "../../parts/badge.js";
import { Fields, TextArea, TextField } from "../../parts/fields.js";
import { Notice } from "../../parts/notice.js";
import { Findings } from "./findings.js";
import { scopeOf } from "./model.js";

/** The delay after the last key press, in ms. */
const PAUSE_MS = 200;

interface Checked {
  /** The text that was checked. */
  readonly content: string;
  readonly filename: string;
  readonly answer: Pick<RulePreview, "violations" | "count"> & Partial<Pick<RulePreview, "applies">>;
}

interface CheckPanelProps {
  /** The API path of the check. */
  readonly path: string;
  /** The rule against which the text is checked; null for all accepted rules of a project. */
  readonly about: Rule | null;
}

export function CheckPanel({ path, about }: CheckPanelProps) {
  const filename = useSignal("");
  const stack = useSignal("");
  const content = useSignal("");
  const checked = useSignal<Checked | null>(null);
  const failure = useSignal("");
  const sent = { filename: filename.value, content: content.value, stack: stack.value };
  useEffect(() => {
    let current = true;
    const check = async (): Promise<void> => {
      try {
        const answer = await send<Checked["answer"]>("POST", path, sent);
        if (!current) return;
        checked.value = { content: sent.content, filename: sent.filename, answer };
        failure.value = "";
      } catch (error) {
        if (current) failure.value = reasonOf(error);
      }
    };
    if (sent.content === "") {
      checked.value = null;
      failure.value = "";
    }
    const timer = sent.content === "" ? undefined : setTimeout(() => void check(), PAUSE_MS);
    return () => {
      current = false;
      clearTimeout(timer);
    };
  }, [path, sent.filename, sent.content, sent.stack]);
  return (
    <div class="check">
      <Fields>
        <TextField
          label="Filename"
          value={filename.value}
          onInput={(text) => {
            filename.value = text;
          }}
          placeholder="src/cart.ts"
        />
        {about === null && (
          <TextField
            label="Stack"
            value={stack.value}
            onInput={(text) => {
              stack.value = text;
            }}
            placeholder="any"
          />
        )}
      </Fields>
      <TextArea
        label="Content"
        value={content.value}
        onInput={(text) => {
          content.value = text;
        }}
        placeholder="Paste a text: its violations are shown as you type. Nothing is stored."
      />
      <div role="status">
        {failure.value !== "" && <Notice tone="bad">{failure.value}</Notice>}
        {failure.value === "" && checked.value !== null && <Outcome checked={checked.value} about={about} />}
      </div>
    </div>
  );
}

function Outcome({ checked, about }: { readonly checked: Checked; readonly about: Rule | null }) {
  const { answer, content, filename } = checked;
  if (answer.applies === false && about !== null)
    return (
      <Notice>
        Not checked: this rule applies to {scopeOf(about)}, not to {filename}.
      </Notice>
    );
  if (answer.count === 0)
    return (
      <p>
        <Badge tone="good">no violation</Badge>{" "}
        {about === null ? "The text violates no rule." : "The text does not violate the rule."}
      </p>
    );
  return (
    <>
      <p class="check-count">
        <Badge tone="bad">{plural(answer.count, "violation")}</Badge>
      </p>
      <Findings content={content} violations={answer.violations} named={about === null} />
    </>
  );
}
