/** The overview: active agents and their work, tasks, leases and agents over time, open questions, and new events. */
import { SPANS } from "../../api/metric-history.js";
import { useAddressQuery } from "../../parts/address-query.js";
import { NewMessage } from "../../parts/new-message.js";
import { NewTask } from "../../parts/new-task.js";
import { FirstSteps, useEmptyServer } from "../../parts/first-steps.js";
import { useHistoryRows } from "../../parts/history-rows.js";
import { Failure } from "../../parts/notice.js";
import { Page } from "../../parts/page.js";
import { formatZoom, parseZoom } from "../../parts/zoom.js";
import { Charts, METRICS } from "./charts.js";
import { Happenings } from "./happenings.js";
import { Now } from "./now.js";
import { Questions } from "./questions.js";
import { Totals } from "./totals.js";

export function View() {
  const isEmpty = useEmptyServer();
  const { query, set, go } = useAddressQuery();
  const [span, , spanS] = SPANS.find(([word]) => word === query["range"]) ?? SPANS[1];
  const { resource, rows } = useHistoryRows(METRICS, spanS);
  return (
    <Page
      title="Overview"
      actions={
        <>
          <NewMessage />
          <NewTask />
        </>
      }
    >
      <Totals rows={rows} />
      {isEmpty ? (
        <FirstSteps />
      ) : (
        <>
          <Questions />
          <Failure of={resource} />
          <Charts
            rows={rows}
            span={span}
            onChoose={(word) => set({ range: word, zoom: "" })}
            zoom={parseZoom(query["zoom"])}
            onZoom={(zoom) => go({ zoom: formatZoom(zoom) })}
          />
          <div class="overview-lists">
            <Now />
            <Happenings />
          </div>
        </>
      )}
    </Page>
  );
}
