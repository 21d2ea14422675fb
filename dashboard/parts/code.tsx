/** Shows a text with syntax colours and line numbers. JSON can be folded. Very long text is cut. */
import { useMemo } from "preact/hooks";
import { bytes } from "../base/format.js";
import { Breakable } from "./breakable.js";
import { CopyButton } from "./button.js";
import { indented, type Language, languageOf, SHOWN_CHARACTERS_MAX, textOf } from "./code-text.js";
import { FoldedJson } from "./folded-json.js";
import { shownPart } from "./shown-text.js";
import { tokensOf } from "./tokens.js";

interface CodeProps {
  readonly text: string;
  readonly content_type: string;
  /** The accessible name. */
  readonly label: string;
}

export function Code({ text, content_type, label }: CodeProps) {
  const { shown, language, characters } = useMemo(() => {
    const part = text.slice(0, SHOWN_CHARACTERS_MAX);
    const ofPart = languageOf(content_type, part);
    // The lines of JSON are rendered one by one, so their number is not limited.
    if (ofPart === "json") return { shown: indented(part, ofPart), language: ofPart, characters: part.length };
    const quick = shownPart(part);
    return { shown: quick, language: ofPart, characters: quick.length };
  }, [text, content_type]);
  return (
    <div class="code">
      {language === "json" && shown.includes("\n") ? (
        <FoldedJson text={text} indented={shown} label={label} />
      ) : (
        <Lines text={text} shown={shown} language={language} label={label} />
      )}
      {characters < text.length && <p class="hint">Only the first {bytes(characters)} are shown.</p>}
    </div>
  );
}

interface LinesProps extends Pick<CodeProps, "text" | "label"> {
  readonly shown: string;
  readonly language: Language;
}

function Lines({ text, shown, language, label }: LinesProps) {
  const drawn = useMemo(
    () =>
      tokensOf(shown, language).map(({ text: part, colour }, at) => {
        const breakable = <Breakable key={at} text={part} />;
        return colour === undefined ? breakable : <span class={`code-${colour}`}>{breakable}</span>;
      }),
    [shown, language],
  );
  const lines = useMemo(() => {
    const count = shown.split("\n").length - (shown.endsWith("\n") ? 1 : 0);
    return Array.from({ length: Math.max(1, count) }, (_, at) => at + 1).join("\n");
  }, [shown]);
  return (
    <>
      <div class="code-actions buttons">
        <CopyButton text={text} what={label} />
      </div>
      <div class="code-frame" role="region" aria-label={label} tabIndex={0}>
        <pre class="code-lines" aria-hidden="true">
          {lines}
        </pre>
        <pre class="code-text">
          <code>{drawn}</code>
        </pre>
      </div>
    </>
  );
}

/** Shows stored bytes: as text if they are text, otherwise only their size and content type. */
export function StoredBytes({ value, content_type, label }: { readonly value: Uint8Array } & Omit<CodeProps, "text">) {
  const text = useMemo(() => textOf(value), [value]);
  if (text !== undefined) return <Code text={text} content_type={content_type} label={label} />;
  return (
    <p class="hint">
      {bytes(value.byteLength)} of {content_type}, which is not text.
    </p>
  );
}
