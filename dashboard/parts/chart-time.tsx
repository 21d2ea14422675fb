/**
 * The time that the charts of a view show: a span that ends now, and perhaps a part of it. All views with charts of the
 * server's metrics share it. The page's address contains it.
 */
import { useEffect, useLayoutEffect } from "preact/hooks";
import { SPANS } from "../api/metric-history.js";
import { addressOf } from "../base/address.js";
import { query } from "../base/path.js";
import { useAddressQuery } from "./address-query.js";
import { Button } from "./button.js";
import { ZoomButtons } from "./zoom-buttons.js";
import { formatZoom, parseZoom, type Zoom } from "./zoom.js";

export interface ChartTime {
  /** The span's word in the address, and its length. */
  readonly span: string;
  readonly spanS: number;
  /** The part of the span that the charts show; null for all of it. */
  readonly zoom: Zoom | null;
  readonly onSpan: (span: string) => void;
  readonly onZoom: (zoom: Zoom | null) => void;
}

/** The time that a view has shown last. The next view starts with it, unless its address contains a time. */
let last: Readonly<Record<"range" | "zoom", string>> = { range: "", zoom: "" };

export function useChartTime(): ChartTime {
  const { query: asked, set, go } = useAddressQuery();
  const { range = "", zoom = "" } = asked;
  useLayoutEffect(() => {
    if (range === "" && zoom === "" && (last.range !== "" || last.zoom !== "")) set(last);
  }, []);
  useEffect(() => {
    last = { range, zoom };
  }, [range, zoom]);
  const [span, , spanS] = SPANS.find(([word]) => word === range) ?? SPANS[0];
  return {
    span,
    spanS,
    zoom: parseZoom(zoom),
    onSpan: (word) => set({ range: word === SPANS[0][0] ? "" : word, zoom: "" }),
    onZoom: (part) => go({ zoom: formatZoom(part) }),
  };
}

function eventsOf({ fromS, toS }: Zoom): string {
  const [from, to] = [fromS, toS].map((timeS) => new Date(timeS * 1_000).toISOString());
  return addressOf("events") + query({ from, to });
}

interface ChartTimeFieldsProps {
  readonly time: ChartTime;
  /** The samples that the charts show. */
  readonly rows: { readonly times: readonly number[] } | undefined;
}

/** The buttons that choose the span, and those that zoom. */
export function ChartTimeFields({ time: { span, zoom, onSpan, onZoom }, rows }: ChartTimeFieldsProps) {
  return (
    <>
      <div class="field-button buttons" role="group" aria-label="Time of the charts">
        {SPANS.map(([word, text]) => (
          <Button key={word} pressed={word === span} onClick={() => onSpan(word)}>
            {text}
          </Button>
        ))}
      </div>
      <ZoomButtons rows={rows} zoom={zoom} onZoom={onZoom} />
      {zoom !== null && (
        <div class="field-button">
          <a class="button" href={eventsOf(zoom)}>
            Events of this part
          </a>
        </div>
      )}
    </>
  );
}
