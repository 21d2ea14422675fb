/** Lists the files that two checkouts change, with the lines of each. */
import type { Overlap } from "../../api/types.js";
import { Badge } from "../../parts/badge.js";
import { Section } from "../../parts/page.js";
import { type Column, Table } from "../../parts/table.js";
import { Time } from "../../parts/time.js";
import { TONES } from "./matrix.js";
import { describeLines, KIND_WORDS, type MatrixSide, type Pair } from "./model.js";

interface PairFilesProps {
  readonly pair: Pair;
  readonly sides: readonly MatrixSide[];
}

export function PairFiles({ pair, sides }: PairFilesProps) {
  const labelOf = (id: string): string => sides.find((side) => side.id === id)?.label ?? id;
  const [a, b] = [labelOf(pair.a), labelOf(pair.b)];
  const differ = pair.overlaps.some(({ same_base }) => !same_base);
  const columns: readonly Column<Overlap>[] = [
    {
      head: "File",
      kind: "wide",
      cell: ({ path }) => (
        <span class="mono" title={path}>
          {path}
        </span>
      ),
      sort: ({ path }) => path,
    },
    {
      head: "Overlap",
      cell: ({ kind }) => <Badge tone={TONES[kind]}>{KIND_WORDS[kind]}</Badge>,
      sort: ({ kind }) => kind,
    },
    { head: `Lines in ${a}`, cell: (overlap) => <Lines overlap={overlap} side="a" label={a} /> },
    { head: `Lines in ${b}`, cell: (overlap) => <Lines overlap={overlap} side="b" label={b} /> },
    { head: "Since", optional: true, cell: ({ since }) => <Time at={since} />, sort: ({ since }) => since },
  ];
  return (
    <Section title={`${a} and ${b}`}>
      <Table label="Files that both change" columns={columns} rows={pair.overlaps} keyOf={({ path }) => path} cards />
      <p class="hint">
        Lines are those of the base, before either change.
        {differ && " The two were compared with different commits, so their lines may be shifted."}
      </p>
    </Section>
  );
}

interface LinesProps {
  readonly overlap: Overlap;
  readonly side: "a" | "b";
  readonly label: string;
}

function Lines({ overlap, side, label }: LinesProps) {
  const text = describeLines(overlap, side);
  return (
    <span class="mono radar-lines" title={text} data-side={label}>
      {text}
    </span>
  );
}
