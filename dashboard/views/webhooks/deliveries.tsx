/**
 * The delivery log of one webhook: each attempt with its outcome. From here the user can send a dead letter again, and
 * skip the event that is being tried.
 */
import { useSignal } from "@preact/signals";
import { send } from "../../api/client.js";
import { useResource } from "../../api/resource.js";
import { mayDecide } from "../../api/session.js";
import type { Webhook, WebhookDelivery } from "../../api/types.js";
import { deadLettersLoader, deliveriesLoader, skipEvent, webhookPath } from "../../api/webhooks.js";
import { addressOf } from "../../base/address.js";
import { query } from "../../base/path.js";
import { Badge } from "../../parts/badge.js";
import { Button } from "../../parts/button.js";
import { Empty } from "../../parts/empty.js";
import { Choice, Fields } from "../../parts/fields.js";
import { Failure } from "../../parts/notice.js";
import { Table, type Column } from "../../parts/table.js";
import { Time } from "../../parts/time.js";
import { attempt } from "../../parts/toasts.js";
import { offersOf, type Offer } from "./model.js";

const OUTCOMES = [
  ["", "All tries"],
  ["failed", "Failed"],
  ["delivered", "Delivered"],
] as const;

interface DeliveriesProps {
  readonly webhook: Webhook;
  readonly onDone: () => Promise<void>;
}

export function Deliveries({ webhook, onDone }: DeliveriesProps) {
  const { id } = webhook;
  const resource = useResource(deliveriesLoader(id));
  const setAside = useResource(deadLettersLoader(id));
  const outcome = useSignal<(typeof OUTCOMES)[number][0]>("");
  const tries = resource.data.value;
  const offers = offersOf(tries ?? [], webhook, setAside.data.value ?? []);
  const act = async (offer: Offer, event: number): Promise<void> => {
    const done =
      offer === "skip"
        ? await attempt(() => skipEvent(id, event), `Event ${event} set aside`)
        : await attempt(
            () => send("POST", webhookPath(id, "dead-letters", String(event), "send")),
            `Event ${event} delivered`,
          );
    if (done) await Promise.all([onDone(), setAside.refresh(), resource.refresh()]);
  };
  const rows = (tries ?? []).filter((row) => outcome.value === "" || row.outcome === outcome.value);
  return (
    <>
      <Failure of={resource} />
      {tries !== undefined && tries.length > 0 && (
        <Fields>
          <Choice
            label="Outcome"
            value={outcome.value}
            choices={OUTCOMES}
            onChoose={(chosen) => {
              outcome.value = chosen;
            }}
          />
        </Fields>
      )}
      {tries !== undefined && rows.length === 0 && (
        <Empty title={tries.length === 0 ? "No delivery in the log" : "No try matches"}>
          The last 100 tries are kept, except those of tests.
        </Empty>
      )}
      {rows.length > 0 && (
        <Table
          label="Log"
          cards
          columns={columnsWith((row) => {
            const offer = offers.get(row);
            return offer === undefined ? null : (
              <Button
                disabled={!mayDecide.value}
                label={`${offer === "skip" ? "Skip" : "Send"} event ${row.event_id}`}
                onClick={() => act(offer, row.event_id)}
              >
                {offer === "skip" ? "Skip" : "Send"}
              </Button>
            );
          })}
          rows={rows}
          keyOf={({ event_id, at, attempt: times }) => `${event_id} ${at} ${times}`}
          toneOf={(row) => (row.outcome === "failed" ? "bad" : undefined)}
        />
      )}
    </>
  );
}

function columnsWith(action: Column<WebhookDelivery>["cell"]): readonly Column<WebhookDelivery>[] {
  return [
    { head: "Time", sort: ({ at }) => at, cell: ({ at }) => <Time at={at} as="clock" /> },
    {
      head: "Event",
      sort: ({ event_id }) => event_id,
      cell: ({ event_id }) => <a href={addressOf("events") + query({ id: event_id })}>{`event ${event_id}`}</a>,
    },
    { head: "Try", sort: (row) => row.attempt, cell: (row) => `try ${row.attempt}` },
    {
      head: "Outcome",
      sort: ({ outcome }) => outcome,
      cell: ({ outcome, status }) => (
        <Badge
          tone={outcome === "failed" ? "bad" : "good"}
        >{`${outcome}${status === undefined ? "" : ` ${status}`}`}</Badge>
      ),
    },
    { head: "Took", sort: ({ duration_ms }) => duration_ms, cell: ({ duration_ms }) => `${duration_ms} ms` },
    { head: "Failure", kind: "wide", cell: ({ error = "" }) => error && <span title={error}>{error}</span> },
    { head: "Action", cell: action },
  ];
}
