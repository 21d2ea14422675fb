/** The histogram of the events that the page holds. If the user chooses a part of it, a replay starts there. */
import { useMemo } from "preact/hooks";
import type { HeldEvent } from "../../api/event-list.js";
import { Histogram } from "../../parts/histogram.js";
import { countsOverTime } from "./model.js";

const BUCKETS = 90;
/** The minimum number of events for a histogram. */
const EVENTS_MIN = 2;

interface OverTimeProps {
  readonly events: readonly HeldEvent[];
  /** Called with the id of an event after which the replay starts. */
  readonly onReplay: (since: number) => void;
}

export function OverTime({ events, onReplay }: OverTimeProps) {
  const counted = useMemo(() => countsOverTime(events, BUCKETS), [events]);
  if (counted === null || events.length < EVENTS_MIN) return null;
  const { fromMs, stepMs, counts, firstIds } = counted;
  return (
    <Histogram
      label="Events on this page over time"
      hint="Click a bar, or use the arrow keys and Enter, to replay from there."
      fromMs={fromMs}
      stepMs={stepMs}
      series={[{ label: "events", tone: "note", values: counts }]}
      onChoose={(chosenMs) => {
        const first = firstIds.find((id, at) => id !== undefined && fromMs + at * stepMs >= chosenMs);
        if (first !== undefined) onReplay(first - 1);
      }}
    />
  );
}
