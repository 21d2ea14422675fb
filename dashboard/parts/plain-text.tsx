/** A text as somebody wrote it: never markup, its lines as they are. */
interface PlainTextProps {
  readonly text: string;
  /** What it is, for who cannot see it. */
  readonly label: string;
}

export function PlainText({ text, label }: PlainTextProps) {
  return (
    <pre class="plain-text" role="region" aria-label={label} tabIndex={0}>
      {text}
    </pre>
  );
}
