/**
 * Shows a text that an agent or a person wrote. It is shown verbatim with its line breaks, and never interpreted as
 * markup. A text that would take the browser long is cut.
 */
import { useMemo } from "preact/hooks";
import { bytes } from "../base/format.js";
import { Breakable } from "./breakable.js";
import { shownPart } from "./shown-text.js";

interface PlainTextProps {
  readonly text: string;
  /** The accessible name. */
  readonly label: string;
}

export function PlainText({ text, label }: PlainTextProps) {
  const shown = useMemo(() => shownPart(text), [text]);
  return (
    <>
      <pre class="plain-text" role="region" aria-label={label} tabIndex={0}>
        <Breakable text={shown} />
      </pre>
      {shown.length < text.length && <p class="hint">Only the first {bytes(shown.length)} are shown.</p>}
    </>
  );
}
