/** Lists the routes that were called since the server's start, with the number of calls, statuses and latencies. */
import { getJson } from "../../api/client.js";
import { useResource, type Loader } from "../../api/resource.js";
import type { RouteRow } from "../../api/types.js";
import { count, seconds } from "../../base/format.js";
import { Section } from "../../parts/page.js";
import { Table, type Column } from "../../parts/table.js";

/** The polling interval, in ms. The page must poll, because calls have no change events. */
const EVERY_MS = 5_000;

const routesLoader: Loader<{ readonly routes: readonly RouteRow[] }> = {
  key: "routes",
  kinds: [],
  everyMs: EVERY_MS,
  fetch: (signal) => getJson("/api/metrics/routes", signal),
};

const duration = (value: number | null): string => (value === null ? "–" : seconds(value));
const counted = (value: number) => (value === 0 ? <span class="muted">0</span> : count(value));

const COLUMNS: readonly Column<RouteRow>[] = [
  { head: "Route", sort: ({ route }) => route, cell: ({ route }) => <span class="mono">{route}</span>, kind: "wide" },
  { head: "Requests", sort: ({ requests }) => requests, cell: ({ requests }) => count(requests), kind: "number" },
  { head: "4xx", sort: ({ refused }) => refused, cell: ({ refused }) => counted(refused), kind: "number" },
  { head: "5xx", sort: ({ failed }) => failed, cell: ({ failed }) => counted(failed), kind: "number" },
  { head: "p50", sort: ({ p50 }) => p50, cell: ({ p50 }) => duration(p50), kind: "number", optional: true },
  { head: "p95", sort: ({ p95 }) => p95, cell: ({ p95 }) => duration(p95), kind: "number" },
];

export function Routes() {
  const called = useResource(routesLoader).data.value;
  if (called === undefined) return null;
  return (
    <Section title="Routes" actions={<span class="hint">since the server's start</span>}>
      <Table
        label="Calls by route"
        columns={COLUMNS}
        rows={called.routes}
        keyOf={({ route }) => route}
        toneOf={({ failed }) => (failed > 0 ? "bad" : undefined)}
      />
    </Section>
  );
}
