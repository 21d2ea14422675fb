/** The delivery log of one webhook. */
import { useResource } from "../../api/resource.js";
import type { WebhookDelivery } from "../../api/types.js";
import { deliveriesLoader } from "../../api/webhooks.js";
import { Table, type Column } from "../../parts/table.js";
import { Time } from "../../parts/time.js";

const COLUMNS: readonly Column<WebhookDelivery>[] = [
  { head: "Time", cell: ({ at }) => <Time at={at} as="clock" /> },
  { head: "Event", cell: ({ event_id }) => event_id },
  { head: "Try", kind: "number", cell: (row) => row.attempt },
  { head: "Status", cell: ({ status }) => status ?? "none" },
  { head: "Took", kind: "number", cell: ({ duration_ms }) => `${duration_ms} ms` },
  { head: "Failure", kind: "wide", cell: ({ error }) => error },
];

export function Deliveries({ id }: { readonly id: string }) {
  const tries = useResource(deliveriesLoader(id)).data.value ?? [];
  return <Table label="Log" columns={COLUMNS} rows={tries} keyOf={({ event_id, at }) => `${event_id} ${at}`} />;
}
