/** Webhooks that were turned off after too many failures, and those that fail now. */
import { send } from "../../../api/client.js";
import { webhookPath, webhooksLoader } from "../../../api/webhooks.js";
import type { Webhook } from "../../../api/types.js";
import { addressOf } from "../../../base/address.js";
import { plural } from "../../../base/format.js";
import { oldestFirst, sourceOf, type Action, type Item } from "../source.js";

function itemOf({ id, url, active, fail_count, created_at, last_fired, last_error, last_failure_at }: Webhook): Item {
  const failures = plural(fail_count, "failure");
  // A chain of deliveries that was too long turns it off without a failure.
  const what = active ? `${failures} in a row` : fail_count === 0 ? "Off" : `Off after ${failures}`;
  const test: Action = {
    text: "Test",
    run: () => send("POST", webhookPath(id, "test")),
    done: `${id} took the test delivery.`,
  };
  const enable: Action = {
    text: "Enable",
    kind: "primary",
    run: () => send("POST", webhookPath(id, "enable")),
    done: `${id} is on again; what waits is delivered.`,
  };
  return {
    key: id,
    name: id,
    address: addressOf("webhooks", id),
    line: (
      <>
        {what}
        {last_error !== undefined && `: ${last_error}`}
        {" · "}
        <span class="mono">{url}</span>
      </>
    ),
    since: last_failure_at ?? last_fired ?? created_at,
    tone: active ? "warn" : "bad",
    actions: active ? [test] : [enable, test],
  };
}

export const WEBHOOKS = sourceOf<readonly Webhook[]>({
  title: "Webhooks",
  address: addressOf("webhooks"),
  none: "every webhook delivers",
  loader: webhooksLoader,
  itemsOf: (webhooks) => {
    const items = (which: (webhook: Webhook) => boolean): Item[] => oldestFirst(webhooks.filter(which).map(itemOf));
    return [...items(({ active }) => !active), ...items(({ active, fail_count }) => active && fail_count > 0)];
  },
});
