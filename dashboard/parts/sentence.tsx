/** Shows a sentence about an event. Its agents and things are links. */
import { addressOf } from "../base/address.js";
import { Agent } from "./agent.js";
import type { Piece } from "./event-sentence.js";

export function Sentence({ of }: { readonly of: readonly Piece[] }) {
  return (
    <>
      {of.map((piece) =>
        typeof piece === "string" ? (
          piece
        ) : "agent" in piece ? (
          <Agent id={piece.agent} {...(piece.name === undefined ? {} : { name: piece.name })} />
        ) : (
          <a href={addressOf(...piece.path)}>{piece.thing}</a>
        ),
      )}
    </>
  );
}
