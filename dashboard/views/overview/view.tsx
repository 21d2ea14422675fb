/** The overview: active agents and their work, tasks, leases and agents over time, open questions, and new events. */
import { useChartTime } from "../../parts/chart-time.js";
import { NewMessage } from "../../parts/new-message.js";
import { NewTask } from "../../parts/new-task.js";
import { FirstSteps, useEmptyServer } from "../../parts/first-steps.js";
import { useHistoryRows } from "../../parts/history-rows.js";
import { Failure } from "../../parts/notice.js";
import { Page } from "../../parts/page.js";
import { Charts, METRICS } from "./charts.js";
import { Happenings } from "./happenings.js";
import { Now } from "./now.js";
import { Questions } from "./questions.js";
import { Totals } from "./totals.js";

export function View() {
  const isEmpty = useEmptyServer();
  const time = useChartTime();
  const { resource, rows } = useHistoryRows(METRICS, time.spanS);
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
          <Charts rows={rows} time={time} />
          <div class="overview-lists">
            <Now />
            <Happenings spanS={time.spanS} />
          </div>
        </>
      )}
    </Page>
  );
}
