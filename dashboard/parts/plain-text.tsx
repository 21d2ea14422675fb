/**
 * Shows a text that an agent or a person wrote. It is shown verbatim with its line breaks, and never interpreted as
 * markup.
 */
interface PlainTextProps {
  readonly text: string;
  /** The accessible name. */
  readonly label: string;
}

export function PlainText({ text, label }: PlainTextProps) {
  return (
    <pre class="plain-text" role="region" aria-label={label} tabIndex={0}>
      {text}
    </pre>
  );
}
