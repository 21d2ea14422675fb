/** Shows several agents in a sentence. It names the first ones, and counts the rest. */
import { plural } from "../base/format.js";
import { Agent } from "./agent.js";

const SHOWN_MAX = 3;

export function Agents({ ids }: { readonly ids: readonly string[] }) {
  const shown = ids.length > SHOWN_MAX + 1 ? ids.slice(0, SHOWN_MAX) : ids;
  const more = ids.length - shown.length;
  return (
    <>
      {shown.map((id, at) => (
        <>
          {at > 0 && (at === ids.length - 1 ? " and " : ", ")}
          <Agent id={id} />
        </>
      ))}
      {more > 0 && ` and ${plural(more, "more", "more")}`}
    </>
  );
}
