/** Shows a text in which a line may break within a long word. The copied text has no additional characters. */
import { Fragment } from "preact";
import { breakablePieces } from "./shown-text.js";

export function Breakable({ text }: { readonly text: string }) {
  const [first = "", ...others] = breakablePieces(text);
  return (
    <>
      {first}
      {others.map((piece, at) => (
        <Fragment key={at}>
          <wbr />
          {piece}
        </Fragment>
      ))}
    </>
  );
}
