/** Compares two versions of a key or spec side by side. */
import { useMemo } from "preact/hooks";
import { useResource } from "../api/resource.js";
import { Diff } from "../parts/diff.js";
import { Choice, Fields } from "../parts/fields.js";
import { indented, languageOf, textOf } from "../parts/code-text.js";
import { Failure } from "../parts/notice.js";
import { valueLoader, type Named, type Space, type Version } from "./space.js";

interface CompareProps {
  readonly space: Space;
  readonly named: Named;
  readonly versions: readonly Version[];
  /**
   * The numbers of the two versions to compare, the earlier one first. If the address lacks a number, it is undefined.
   */
  readonly chosen: readonly (number | undefined)[];
  readonly onChoose: (before: number, after: number) => void;
}

export function Compare({ space, named, versions, chosen, onChoose }: CompareProps) {
  const after = chosen[1] ?? versions[0]?.version ?? 1;
  const before = chosen[0] ?? versions[1]?.version ?? after;
  const numbers = new Set([...versions.map(({ version }) => version), before, after]);
  const choices = [...numbers]
    .toSorted((a, b) => b - a)
    .map((number) => [String(number), `version ${number}`] as const);
  return (
    <>
      <Fields>
        <Choice
          label="Before"
          value={String(before)}
          choices={choices}
          onChoose={(value) => onChoose(Number(value), after)}
        />
        <Choice
          label="After"
          value={String(after)}
          choices={choices}
          onChoose={(value) => onChoose(before, Number(value))}
        />
      </Fields>
      <VersionDiff space={space} named={named} before={before} after={after} />
    </>
  );
}

interface VersionDiffProps {
  readonly space: Space;
  readonly named: Named;
  readonly before: number;
  readonly after: number;
}

/** Shows the differences between two versions. */
export function VersionDiff({ space, named, before, after }: VersionDiffProps) {
  const one = useResource(valueLoader(space, named, before));
  const other = useResource(valueLoader(space, named, after));
  const texts = useMemo(
    () =>
      [one.data.value, other.data.value].map((value) => {
        const text = value === undefined ? undefined : textOf(value.bytes);
        return text === undefined || value === undefined ? text : indented(text, languageOf(value.content_type, text));
      }),
    [one.data.value, other.data.value],
  );
  if (one.error.value !== null) return <Failure of={one} />;
  if (other.error.value !== null) return <Failure of={other} />;
  if (one.data.value === undefined || other.data.value === undefined) return null;
  const [left, right] = texts;
  if (left === undefined || right === undefined) return <p class="hint">These versions are not text.</p>;
  return <Diff before={left} after={right} label={`Version ${before} beside version ${after}`} />;
}
