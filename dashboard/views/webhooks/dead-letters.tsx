/** The dead letters of one webhook. The user can view them, send them again, or drop them. */
import { useSignal } from "@preact/signals";
import { getText, remove, send } from "../../api/client.js";
import { useResource } from "../../api/resource.js";
import type { DeadLetter } from "../../api/types.js";
import { deadLettersLoader, webhookPath } from "../../api/webhooks.js";
import { Button } from "../../parts/button.js";
import { Code } from "../../parts/code.js";
import { Confirm, Dialog } from "../../parts/dialog.js";
import { Failure } from "../../parts/notice.js";
import { Section } from "../../parts/page.js";
import { Table, type Column } from "../../parts/table.js";
import { Time } from "../../parts/time.js";
import { attempt } from "../../parts/toasts.js";

interface DeadLettersProps {
  readonly id: string;
  /** The number of dead letters. */
  readonly count: number;
  readonly onDone: () => Promise<void>;
}

export function DeadLetters({ id, count, onDone }: DeadLettersProps) {
  const resource = useResource(deadLettersLoader(id));
  /** The dead letter that is shown, with its text. `dropped` is the dead letter whose removal the user must confirm. */
  const shown = useSignal({ event: 0, text: "" });
  const dropped = useSignal(0);
  const pathOf = (event: number, ...action: readonly string[]): string =>
    webhookPath(id, "dead-letters", String(event), ...action);
  const done = async (work: () => Promise<unknown>, words: string): Promise<void> => {
    if (await attempt(work, words)) await Promise.all([resource.refresh(), onDone()]);
  };
  const view = (event: number): Promise<unknown> =>
    getText(pathOf(event)).then(
      (text) => {
        shown.value = { event, text };
      },
      () => resource.refresh(),
    );
  const columns: readonly Column<DeadLetter>[] = [
    { head: "Event", sort: ({ event_id }) => event_id, cell: ({ event_id }) => event_id },
    { head: "Set aside", optional: true, cell: ({ set_aside_at }) => <Time at={set_aside_at} /> },
    { head: "Tries", kind: "number", optional: true, cell: ({ attempts }) => attempts },
    {
      head: "Topic and failure",
      kind: "wide",
      cell: ({ topic, error }) => (
        <div class="webhook-two">
          <span class="mono">{topic}</span>
          <span class="muted" title={error}>
            {error}
          </span>
        </div>
      ),
    },
    {
      head: "Actions",
      cell: ({ event_id }) => (
        <div class="buttons webhook-actions">
          <Button onClick={() => view(event_id)} label={`View event ${event_id}`}>
            View
          </Button>
          <Button
            onClick={() => done(() => send("POST", pathOf(event_id, "send")), `Event ${event_id} delivered`)}
            label={`Send event ${event_id}`}
          >
            Send
          </Button>
          <Button
            kind="danger"
            onClick={() => {
              dropped.value = event_id;
            }}
            label={`Drop event ${event_id}`}
          >
            Drop
          </Button>
        </div>
      ),
    },
  ];
  const rows = resource.data.value ?? [];
  if (count === 0 && rows.length === 0) return null;
  return (
    <Section title={`Set aside: ${rows.length || count}`}>
      <Failure of={resource} />
      <Table label="Set aside" cards columns={columns} rows={rows} keyOf={({ event_id }) => event_id} />
      {shown.value.event > 0 && (
        <Dialog
          title={`Event ${shown.value.event}`}
          onClose={() => {
            shown.value = { event: 0, text: "" };
          }}
        >
          <Code text={shown.value.text} content_type="application/json" label="As delivered" />
        </Dialog>
      )}
      {dropped.value > 0 && (
        <Confirm
          title={`Drop event ${dropped.value}?`}
          action="Drop"
          danger
          onConfirm={() => done(() => remove(pathOf(dropped.value)), `Event ${dropped.value} dropped`)}
          onClose={() => {
            dropped.value = 0;
          }}
        >
          <p>The event will never be delivered to {id}.</p>
        </Confirm>
      )}
    </Section>
  );
}
