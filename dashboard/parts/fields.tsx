/** Input fields with their labels. */
import type { ComponentChildren } from "preact";
import { useId } from "preact/hooks";

interface TextFieldProps {
  readonly label: string;
  readonly value: string;
  readonly onInput: (value: string) => void;
  readonly type?: "text" | "search" | "password" | "datetime-local";
  readonly placeholder?: string;
  /** The text below the field. It says which input is accepted, or what is wrong with the input. */
  readonly hint?: string;
  readonly invalid?: boolean;
}

export function TextField({
  label,
  value,
  onInput,
  type = "text",
  placeholder,
  hint,
  invalid = false,
}: TextFieldProps) {
  const id = useId();
  const shared = {
    id,
    value,
    placeholder,
    spellcheck: false,
    autocomplete: "off",
    "aria-invalid": invalid,
    "aria-describedby": hint === undefined ? undefined : `${id}-hint`,
    onInput: ({ currentTarget }: { readonly currentTarget: HTMLInputElement }) => onInput(currentTarget.value),
  } as const;
  return (
    <div class="field">
      <label for={id}>{label}</label>
      {type === "search" && <input type="search" {...shared} />}
      {type === "text" && <input type="text" {...shared} />}
      {type === "password" && <input {...shared} type="password" autocomplete="new-password" />}
      {type === "datetime-local" && <input type="datetime-local" step="1" {...shared} />}
      {hint !== undefined && (
        <span id={`${id}-hint`} class={invalid ? "hint failure" : "hint"}>
          {hint}
        </span>
      )}
    </div>
  );
}

interface TextAreaProps extends Omit<TextFieldProps, "type"> {
  readonly rows?: number;
}

/** A text field with several lines. */
export function TextArea({ label, value, onInput, placeholder, hint, invalid = false, rows = 8 }: TextAreaProps) {
  const id = useId();
  return (
    <div class="field field-wide">
      <label for={id}>{label}</label>
      <textarea
        id={id}
        rows={rows}
        value={value}
        placeholder={placeholder}
        spellcheck={false}
        aria-invalid={invalid}
        aria-describedby={hint === undefined ? undefined : `${id}-hint`}
        onInput={({ currentTarget }) => onInput(currentTarget.value)}
      />
      {hint !== undefined && (
        <span id={`${id}-hint`} class={invalid ? "hint failure" : "hint"}>
          {hint}
        </span>
      )}
    </div>
  );
}

interface ChoiceProps<Value extends string> {
  readonly label: string;
  readonly value: Value;
  /** The options, each with its value and the text that is shown. */
  readonly choices: readonly (readonly [value: Value, text: string])[];
  readonly onChoose: (value: Value) => void;
}

export function Choice<Value extends string>({ label, value, choices, onChoose }: ChoiceProps<Value>) {
  const id = useId();
  return (
    <div class="field">
      <label for={id}>{label}</label>
      <select id={id} value={value} onChange={({ currentTarget }) => onChoose(currentTarget.value as Value)}>
        {choices.map(([choice, text]) => (
          <option key={choice} value={choice}>
            {text}
          </option>
        ))}
      </select>
    </div>
  );
}

interface SwitchProps {
  readonly label: string;
  readonly hint: string;
  readonly on: boolean;
  readonly onChange: (on: boolean) => void;
}

/** A switch for a setting that is on or off. A change takes effect at once. */
export function Switch({ label, hint, on, onChange }: SwitchProps) {
  const id = useId();
  return (
    <div class="field-switch">
      <input
        id={id}
        type="checkbox"
        role="switch"
        checked={on}
        aria-describedby={`${id}-hint`}
        onChange={({ currentTarget }) => onChange(currentTarget.checked)}
      />
      <label for={id}>{label}</label>
      <span id={`${id}-hint`} class="hint">
        {hint}
      </span>
    </div>
  );
}

/** A row of fields. */
export function Fields({ children }: { readonly children: ComponentChildren }) {
  return <div class="fields">{children}</div>;
}
