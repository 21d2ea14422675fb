/** Tests flushes. A flush stores every counter that exists when it begins. It ends even if new counts keep arriving. */
import t from "tap";
import { AGENT_METRICS, type CounterRow } from "../../../schemas/agent-metrics.js";
import { AGENT_METRICS_FLUSH_ROWS } from "../../../schemas/limits/agent-metrics.js";
import { quietLog } from "../../../test/support/quiet-log.js";
import type { Writer } from "../../platform/threads/writer.js";
import { AgentMetricsFlusher } from "./flusher.js";
import { AgentTally } from "./tally.js";

/** A writer that accepts all counters, and calls `onCall` before each answer. */
function countingWriter(onCall: () => void = () => undefined) {
  const stored: CounterRow[] = [];
  const writer = {
    request: (_method: unknown, { counters }: { readonly counters: readonly CounterRow[] }) => {
      stored.push(...counters);
      onCall();
      return Promise.resolve({});
    },
  };
  return { stored, writer: writer as unknown as Writer };
}

function addAll(tally: AgentTally, agents: number): void {
  for (let agent = 0; agent < agents; agent++)
    for (const metric of AGENT_METRICS) tally.add(`agent-${agent}`, metric, 1);
}

t.test("one flush stores all counters of many agents", async (t) => {
  const tally = new AgentTally(0);
  addAll(tally, AGENT_METRICS_FLUSH_ROWS);
  const { stored, writer } = countingWriter();
  await new AgentMetricsFlusher(tally, writer, quietLog(), 0).flush();
  t.equal(stored.length, AGENT_METRICS_FLUSH_ROWS * AGENT_METRICS.length);
  t.equal(tally.size, 0);
});

t.test("a flush ends although each of its calls brings new counts", async (t) => {
  const tally = new AgentTally(0);
  addAll(tally, 1);
  let calls = 0;
  const { writer } = countingWriter(() => {
    calls += 1;
    addAll(tally, 1);
  });
  await new AgentMetricsFlusher(tally, writer, quietLog(), 0).flush();
  t.equal(calls, 2);
  t.equal(tally.size, 1, "the newest counts wait for the next flush");
});
