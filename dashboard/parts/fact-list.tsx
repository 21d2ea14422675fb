/** A list of facts about one object: names and values. */
import type { ComponentChildren } from "preact";

/** A fact: its name and its value. A fact whose value is null, false or "" is not shown. */
export type Fact = readonly [name: string, value: ComponentChildren];

export function FactList({ facts }: { readonly facts: readonly Fact[] }) {
  return (
    <dl class="facts">
      {facts.map(
        ([name, value]) =>
          value !== null &&
          value !== false &&
          value !== "" && (
            <>
              <dt>{name}</dt>
              <dd>{value}</dd>
            </>
          ),
      )}
    </dl>
  );
}
