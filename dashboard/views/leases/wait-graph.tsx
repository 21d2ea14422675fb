/**
 * Draws the wait graph. Boxes and labels are links. The keyboard and a screen reader reach them in the order of the
 * drawing.
 */
import { useMemo } from "preact/hooks";
import type { LeaseWaits } from "../../api/types.js";
import { addressOf, agentAddress } from "../../base/address.js";
import { nowMs } from "../../base/clock.js";
import { duration, plural } from "../../base/format.js";
import { Drawing } from "../../parts/drawing.js";
import { Section } from "../../parts/page.js";
import { Time } from "../../parts/time.js";
import { type GraphEdge, type GraphNode, layoutGraph } from "./graph.js";

export function WaitGraph({ waits }: { readonly waits: LeaseWaits }) {
  const { edges, width, left_out } = useMemo(() => layoutGraph(waits), [waits]);
  return (
    <Section
      title="Wait graph"
      actions={<span class="hint">{waits.waiting === 1 ? "1 request waits" : `${waits.waiting} requests wait`}</span>}
    >
      <Drawing label="Wait graph, drawn" class="waits-frame" widthPx={width}>
        {(narrowPx) => <Graph waits={waits} narrowPx={narrowPx} />}
      </Drawing>
      {left_out > 0 && <p class="hint">{plural(left_out, "holder")} with fewer waits not drawn.</p>}
      <details class="waits-words">
        <summary>In words</summary>
        <ul>
          {edges.map((edge) => (
            <li key={edge.lease + edge.to.id}>
              <a href={agentAddress(edge.from.id)}>{edge.from.name}</a> waits for{" "}
              <a href={agentAddress(edge.to.id)}>{edge.to.name}</a>:{" "}
              <a class="mono" href={addressOf("leases", edge.lease)}>
                {wantedOf(edge)}
              </a>
              , requested <Time at={edge.since} />
            </li>
          ))}
        </ul>
      </details>
    </Section>
  );
}

const wantedOf = ({ wanted, more }: GraphEdge): string => (more === 0 ? wanted : `${wanted} and ${more} more`);

interface GraphProps {
  readonly waits: LeaseWaits;
  /** The width of a narrow frame that the graph does not fit, otherwise undefined. */
  readonly narrowPx: number | undefined;
}

function Graph({ waits, narrowPx }: GraphProps) {
  const { nodes, edges, width, height } = useMemo(
    () => layoutGraph(waits, narrowPx === undefined ? {} : { narrowPx }),
    [waits, narrowPx],
  );
  return (
    <div class="waits" style={{ width: `${width}px`, height: `${height}px` }}>
      <svg width={width} height={height} aria-hidden="true">
        <marker id="waits-head" viewBox="0 0 8 8" refX="8" refY="4" markerWidth="8" markerHeight="8" orient="auto">
          <path class="waits-head" d="M0 0 8 4 0 8z" />
        </marker>
        {edges.map((edge) => (
          <path key={edge.lease + edge.to.id} class="waits-edge" d={edge.path} marker-end="url(#waits-head)" />
        ))}
      </svg>
      {nodes.map((node) => (
        <Box key={node.id} node={node} edges={edges.filter(({ from }) => from === node)} />
      ))}
    </div>
  );
}

/**
 * Draws a holder's box, and then the labels of the edges that start at the box. A screen reader reads them in this
 * order.
 */
function Box({ node, edges }: { readonly node: GraphNode; readonly edges: readonly GraphEdge[] }) {
  const { id, name, x, y } = node;
  const words = [
    ...(node.in > 0 ? [node.in === 1 ? "1 waits for it" : `${node.in} wait for it`] : []),
    ...(node.out > 0 ? [`waits for ${node.out}`] : []),
  ].join(", ");
  return (
    <>
      <a class="waits-box" style={{ left: `${x}px`, top: `${y}px` }} href={agentAddress(id)} title={name}>
        <strong>{name}</strong>
        <span>{words}</span>
      </a>
      {edges.map((edge) => (
        <Label key={edge.lease + edge.to.id} edge={edge} />
      ))}
    </>
  );
}

function Label({ edge }: { readonly edge: GraphEdge }) {
  const { from, to, lease, since, x, y } = edge;
  const waited = duration(nowMs.value - Date.parse(since));
  const words = `${from.name} waits for ${to.name}: ${wantedOf(edge)}, for ${waited}`;
  return (
    <a
      class="waits-label mono"
      style={{ left: `${x}px`, top: `${y}px` }}
      href={addressOf("leases", lease)}
      title={words}
      aria-label={words}
    >
      {wantedOf(edge)}
    </a>
  );
}
