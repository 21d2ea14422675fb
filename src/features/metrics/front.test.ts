/** Tests that long answers with metrics take turns, so that many of them together do not delay other requests. */
import t from "tap";
import { TIME_SLICE_MS } from "../../../schemas/limits/process.js";
import { MetricHistory } from "./history.js";
import { MetricsFront, type MetricsFrontOptions } from "./front.js";

t.test("a tick answers one long request, and the others wait for the next", async (t) => {
  let exposed = 0;
  const slow = {
    expose: () => {
      exposed += 1;
      for (const untilMs = performance.now() + 2 * TIME_SLICE_MS; performance.now() < untilMs; );
    },
  };
  const history = new MetricHistory([]);
  const requests = { routes: [] };
  const front = new MetricsFront({ measured: [slow], history, requests } as unknown as MetricsFrontOptions);
  const answers = [front.scrape(), front.scrape(), front.scrape(), front.readHistory({}), front.readRoutes()];
  await Promise.resolve();
  t.equal(exposed, 1);
  await new Promise((resolve) => setImmediate(resolve));
  t.equal(exposed, 2);
  for (const answer of await Promise.all(answers)) t.match(answer, { status: 200 });
  t.equal(exposed, 3);
});
