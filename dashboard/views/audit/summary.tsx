/** Summarizes the audit log over the selected range: totals, and a count for each action. */
import { useResource } from "../../api/resource.js";
import { count } from "../../base/format.js";
import { Failure } from "../../parts/notice.js";
import { Section } from "../../parts/page.js";
import { Share } from "../../parts/share.js";
import { summaryLoader } from "./loader.js";
import { actionBars, ofRange, type AuditFilter } from "./model.js";

interface SummaryProps {
  readonly filter: AuditFilter;
  readonly choose: (action: string) => void;
}

export function Summary({ filter, choose }: SummaryProps) {
  const summary = useResource(summaryLoader(ofRange(filter)));
  const data = summary.data.value;
  if (data === undefined) return <Failure of={summary} />;
  const bars = actionBars(data.action_counts);
  const most = bars[0]?.[1] ?? 0;
  return (
    <Section title={filter.from === "" && filter.to === "" ? "All time" : "In this range"}>
      <Failure of={summary} />
      <div class="card audit-summary">
        <dl class="facts audit-totals">
          <dt>Rows</dt>
          <dd>{count(data.total_entries)}</dd>
          <dt>Errors</dt>
          <dd class={(data.outcome_counts["error"] ?? 0) > 0 ? "failure" : undefined}>
            {count(data.outcome_counts["error"] ?? 0)}
          </dd>
          <dt>Actors</dt>
          <dd>{count(data.unique_actors)}</dd>
          <dt>Resources</dt>
          <dd>{count(data.unique_resources)}</dd>
        </dl>
        <ul class="audit-bars" aria-label="Actions">
          {bars.map(([action, times]) => (
            <li key={action}>
              <button
                type="button"
                class="button-bare"
                aria-pressed={filter.action === action}
                title={filter.action === action ? "Show every action" : "Show this action only"}
                onClick={() => choose(filter.action === action ? "" : action)}
              >
                <span class="mono">{action}</span> <span class="audit-times">{count(times)}</span>
                <Share value={times} of={most} />
              </button>
            </li>
          ))}
        </ul>
      </div>
    </Section>
  );
}
