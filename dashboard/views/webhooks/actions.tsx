/** The actions on a webhook: test delivery, enable, skip, delete. */
import { useSignal } from "@preact/signals";
import { remove as removeAt, send } from "../../api/client.js";
import type { Webhook } from "../../api/types.js";
import { mayDecide } from "../../api/session.js";
import { attempt } from "../../parts/toasts.js";
import { Button } from "../../parts/button.js";
import { Confirm } from "../../parts/dialog.js";
import { skipEvent, webhookPath } from "../../api/webhooks.js";

interface ActionsProps {
  readonly webhook: Webhook;
  /** Called after a change of the webhook. */
  readonly onDone: () => Promise<void>;
  readonly onDeleted?: () => void;
}

export const NOT_ALLOWED = "This needs the server's token.";

export function Actions({ webhook: { id, active, url, failing }, onDone, onDeleted }: ActionsProps) {
  const asking = useSignal(false);
  const disabled = !mayDecide.value;
  const title = disabled ? { title: NOT_ALLOWED } : {};
  const test = (): Promise<boolean> =>
    attempt(() => send("POST", webhookPath(id, "test")), `Test delivery to ${id} succeeded`);
  const enable = async (): Promise<void> => {
    if (await attempt(() => send("POST", webhookPath(id, "enable")), `Webhook ${id} enabled; its queue continues`))
      await onDone();
  };
  const skip = async (eventId: number): Promise<void> => {
    if (await attempt(() => skipEvent(id, eventId), `Event ${eventId} set aside`)) await onDone();
  };
  const remove = async (): Promise<void> => {
    if (!(await attempt(() => removeAt(webhookPath(id)), `Webhook ${id} deleted`))) return;
    await onDone();
    onDeleted?.();
  };
  return (
    <div class="buttons webhook-actions">
      {!active && (
        <Button kind="primary" onClick={enable} disabled={disabled} label={`Enable ${id}`} {...title}>
          Enable
        </Button>
      )}
      {failing !== undefined && (
        <Button onClick={() => skip(failing.event_id)} disabled={disabled} {...title}>
          Skip
        </Button>
      )}
      <Button onClick={test} disabled={disabled} label={`Test ${id}`} {...title}>
        Test
      </Button>
      <Button
        kind="danger"
        onClick={() => {
          asking.value = true;
        }}
        disabled={disabled}
        label={`Delete ${id}`}
        {...title}
      >
        Delete
      </Button>
      {asking.value && (
        <Confirm
          title={`Delete ${id}?`}
          action="Delete"
          danger
          onConfirm={remove}
          onClose={() => {
            asking.value = false;
          }}
        >
          <p>
            Nothing more is delivered to <code>{url}</code>, and its pending deliveries are dropped.
          </p>
        </Confirm>
      )}
    </div>
  );
}
