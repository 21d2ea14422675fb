/**
 * The section about the cluster. It shows the state of this node, and this node's view of all nodes. The metrics say
 * whether the server is a single one. On a single server, the section shows nothing and sends no request.
 */
import { getJson } from "../../api/client.js";
import type { MetricRows } from "../../api/metric-history.js";
import { lastOf } from "../../api/rows.js";
import { useResource, type Loader } from "../../api/resource.js";
import type { Cluster as ClusterView, ClusterNode } from "../../api/types.js";
import { count } from "../../base/format.js";
import { Badge, type BadgeTone } from "../../parts/badge.js";
import { Failure, Notice } from "../../parts/notice.js";
import { Section } from "../../parts/page.js";
import { Table, type Column } from "../../parts/table.js";
import { Time } from "../../parts/time.js";

/**
 * The polling interval in ms, which is the same as for figures. The page must poll, because no change event reports a
 * node.
 */
const EVERY_MS = 5_000;

const cluster: Loader<ClusterView> = {
  key: "cluster",
  kinds: [],
  everyMs: EVERY_MS,
  fetch: (signal) => getJson<ClusterView>("/api/cluster", signal),
};

const STATES: Readonly<Record<ClusterNode["state"], readonly [word: string, tone: BadgeTone]>> = {
  ok: ["ok", "good"],
  catching_up: ["catching up", "warn"],
  cut_off: ["disconnected from the log", "bad"],
  halted: ["halted", "bad"],
  silent: ["silent", "bad"],
};

const COLUMNS: readonly Column<ClusterNode>[] = [
  {
    head: "Node",
    sort: ({ node }) => node,
    cell: ({ node, leader }) => (
      <>
        <span class="mono">{node}</span> {leader && <Badge tone="note">leader</Badge>}
      </>
    ),
    kind: "wide",
  },
  {
    head: "State",
    sort: ({ state }) => state,
    cell: ({ state }) => {
      const [word, tone] = STATES[state];
      return <Badge tone={tone}>{word}</Badge>;
    },
  },
  {
    head: "Position",
    sort: ({ position }) => position,
    cell: ({ position }) => count(position),
    kind: "number",
    optional: true,
  },
  { head: "Behind", sort: ({ lag }) => lag, cell: ({ lag }) => count(lag), kind: "number" },
  { head: "Last seen", sort: ({ last_heard }) => last_heard, cell: ({ last_heard }) => <Time at={last_heard} /> },
  { head: "Version", sort: ({ version }) => version, cell: ({ version }) => version, optional: true },
];

/** Renders nothing on a single server, which has no metric of a cluster. */
export function Cluster({ rows }: { readonly rows: MetricRows | undefined }) {
  return rows !== undefined && lastOf(rows, "cluster_lag") !== null ? <Nodes /> : null;
}

function Nodes() {
  const resource = useResource(cluster);
  const view = resource.data.value;
  if (view === undefined) return null;
  const { state, reason, warnings, nodes } = view;
  const [word, tone] = STATES[state];
  return (
    <Section title="Cluster" actions={<span class="hint">{`${view.cluster}, as seen by ${view.node}`}</span>}>
      <Failure of={resource} />
      {(state !== "ok" || reason !== "") && (
        <Notice tone={tone === "bad" ? tone : "note"}>
          This node is {word}: {reason}
        </Notice>
      )}
      <Table
        label="Nodes"
        columns={COLUMNS}
        rows={nodes}
        keyOf={({ node }) => node}
        isCurrent={({ node }) => node === view.node}
      />
      <p class="hint">{warnings.join("; ")}</p>
    </Section>
  );
}
