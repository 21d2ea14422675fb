/** The view of webhooks, which send events to receivers outside Koor: their health and their actions. */
import { useSignal } from "@preact/signals";
import type { ComponentChildren } from "preact";
import { useResource } from "../../api/resource.js";
import type { Webhook } from "../../api/types.js";
import { addressOf } from "../../base/address.js";
import { plural } from "../../base/format.js";
import { mayDecide } from "../../api/session.js";
import { Badge } from "../../parts/badge.js";
import { Button } from "../../parts/button.js";
import { Empty } from "../../parts/empty.js";
import { Failure } from "../../parts/notice.js";
import { Page } from "../../parts/page.js";
import { Table, type Column } from "../../parts/table.js";
import { Time } from "../../parts/time.js";
import type { ViewProps } from "../../base/view-props.js";
import { Actions, NOT_ALLOWED } from "./actions.js";
import { Add } from "./add.js";
import { webhooksLoader } from "../../api/webhooks.js";
import { byUrgency, healthOf, toneOf } from "./model.js";
import { Patterns, WebhookPage } from "./webhook.js";

export function View({ segments: [id] }: ViewProps) {
  const resource = useResource(webhooksLoader);
  const webhooks = resource.data.value;
  const refresh = (): Promise<void> => resource.refresh();
  if (id === undefined) return <List webhooks={webhooks} failure={<Failure of={resource} />} onDone={refresh} />;
  const webhook = webhooks?.find((one) => one.id === id);
  if (webhook !== undefined)
    return (
      <>
        <WebhookPage webhook={webhook} onDone={refresh} />
        <Failure of={resource} />
      </>
    );
  return (
    <Page title="Webhooks" part={id} home={addressOf("webhooks")}>
      <Failure of={resource} />
      {webhooks !== undefined && <Empty title={`There is no webhook ${id}`}>It may have been deleted.</Empty>}
    </Page>
  );
}

interface ListProps {
  readonly webhooks: readonly Webhook[] | undefined;
  readonly failure: ComponentChildren;
  readonly onDone: () => Promise<void>;
}

function List({ webhooks, failure, onDone }: ListProps) {
  const adding = useSignal(false);
  const columns: readonly Column<Webhook>[] = [
    {
      head: "Id",
      kind: "wide",
      opens: true,
      sort: ({ id }) => id,
      cell: ({ id, url }) => (
        <div class="webhook-two">
          <a class="webhook-id" href={addressOf("webhooks", id)}>
            {id}
          </a>
          <span class="mono muted" title={url}>
            {url}
          </span>
        </div>
      ),
    },
    { head: "Health", sort: (webhook) => healthOf(webhook).words, cell: (webhook) => <HealthOf webhook={webhook} /> },
    { head: "Patterns", optional: true, cell: ({ patterns }) => <Patterns patterns={patterns} /> },
    {
      head: "Last delivery",
      optional: true,
      sort: ({ last_fired }) => last_fired ?? null,
      cell: ({ last_fired }) => <When at={last_fired} never="none yet" />,
    },
    {
      head: "Last failure",
      sort: ({ last_failure_at }) => last_failure_at ?? null,
      optional: true,
      cell: ({ last_failure_at, last_error }) => (
        <span title={last_error}>
          <When at={last_failure_at} never="none" />
        </span>
      ),
    },
    { head: "Actions", optional: true, cell: (webhook) => <Actions webhook={webhook} onDone={onDone} /> },
  ];
  return (
    <Page
      title="Webhooks"
      actions={
        <Button
          kind="primary"
          disabled={!mayDecide.value}
          {...(mayDecide.value ? {} : { title: NOT_ALLOWED })}
          onClick={() => {
            adding.value = true;
          }}
        >
          Add
        </Button>
      }
    >
      {failure}
      {webhooks !== undefined &&
        (webhooks.length === 0 ? (
          <Empty
            title="No webhooks yet"
            command="koor-cli webhooks add --id ci --url http://127.0.0.1:9000/koor --patterns 'api.**'"
          >
            A webhook sends the events of some topics to an HTTP receiver, such as a CI server or a chat.
          </Empty>
        ) : (
          <Table label="Webhooks" columns={columns} rows={byUrgency(webhooks)} keyOf={({ id }) => id} toneOf={toneOf} />
        ))}
      {adding.value && (
        <Add
          onAdded={onDone}
          onClose={() => {
            adding.value = false;
          }}
        />
      )}
    </Page>
  );
}

/** Shows the health of a webhook, with its last error. */
function HealthOf({ webhook }: { readonly webhook: Webhook }) {
  const { tone, words } = healthOf(webhook);
  const { active, fail_count, last_error, dead_letters } = webhook;
  return (
    <div class="webhook-health">
      <Badge tone={tone}>{words}</Badge>
      {(!active || fail_count > 0) && last_error !== undefined && <span class="hint">{last_error}</span>}
      {dead_letters > 0 && <span class="hint">{plural(dead_letters, "event")} set aside</span>}
    </div>
  );
}

function When({ at, never }: { readonly at: string | undefined; readonly never: string }) {
  return at === undefined ? <span class="muted">{never}</span> : <Time at={at} />;
}
