/**
 * The histogram of the audit log: the number of rows over time, by outcome. If the user chooses a part of it, that part
 * becomes the range of the view.
 */
import { useResource } from "../../api/resource.js";
import { Button } from "../../parts/button.js";
import { Histogram, type HistogramSeries } from "../../parts/histogram.js";
import type { AddressQuery } from "../../parts/address-query.js";
import { summaryLoader } from "./loader.js";
import type { AuditFilter } from "./model.js";

interface OverTimeProps extends Pick<AddressQuery, "go"> {
  readonly filter: AuditFilter;
}

export function OverTime({ filter, go }: OverTimeProps) {
  const histogram = useResource(summaryLoader(filter)).data.value?.histogram ?? null;
  const ranged = filter.from !== "" || filter.to !== "";
  if (histogram === null && !ranged) return null;
  const series: readonly HistogramSeries[] = [
    { label: "succeeded", tone: "note", values: histogram?.success ?? [] },
    { label: "refused", tone: "bad", values: histogram?.error ?? [] },
  ];
  return (
    <div class="audit-time">
      {histogram !== null && (
        <Histogram
          label={filter.search === "" ? "Rows over time" : "Rows over time, without the search"}
          hint="Click a bar, drag over some, or use the arrow keys and Enter, to show only these."
          fromMs={Date.parse(histogram.from)}
          stepMs={histogram.step_ms}
          series={series.filter(
            ({ tone }) => filter.outcome === "" || (tone === "bad") === (filter.outcome === "error"),
          )}
          onChoose={(fromMs, toMs) => go({ from: new Date(fromMs).toISOString(), to: new Date(toMs).toISOString() })}
        />
      )}
      {ranged && <Button onClick={() => go({ from: "", to: "" })}>Show all time</Button>}
    </div>
  );
}
