/** Finds webhooks that are disabled, that fail now, or that have dead letters. */
import { getJson, send } from "../../../api/client.js";
import { skipEvent, webhookPath, webhooksLoader } from "../../../api/webhooks.js";
import type { DeadLetter, Webhook } from "../../../api/types.js";
import { addressOf } from "../../../base/address.js";
import { plural } from "../../../base/format.js";
import { oldestFirst, sourceOf, type Action, type Item } from "../source.js";

function troubleOf({ active, fail_count, dead_letters }: Webhook): string {
  const failures = plural(fail_count, "failure");
  if (active) return fail_count > 0 ? `${failures} in a row` : `${plural(dead_letters, "event")} set aside`;
  // If a disabled webhook has no failures, it was disabled because its chain of deliveries was too long.
  return fail_count === 0 ? "Off" : `Off after ${failures}`;
}

/** Sends the dead letters of a webhook again, the oldest first. Stops at the first one that cannot be delivered. */
async function resendAll(id: string): Promise<void> {
  for (const { event_id } of await getJson<DeadLetter[]>(webhookPath(id, "dead-letters")))
    await send("POST", webhookPath(id, "dead-letters", String(event_id), "send"));
}

function skipAction(id: string, eventId: number): Action {
  return {
    text: "Skip event",
    run: () => skipEvent(id, eventId),
    done: `Event ${eventId} set aside`,
    ask: {
      title: `Skip event ${eventId}?`,
      words: "The event is set aside, where it can be sent again later, and the next one is delivered.",
    },
  };
}

function itemOf(webhook: Webhook): Item {
  const { id, url, active, created_at, last_fired, last_error, last_failure_at, pending, failing, dead_letters } =
    webhook;
  const resend: Action = {
    text: "Send again",
    kind: "primary",
    run: () => resendAll(id),
    done: `Events of ${id} delivered`,
  };
  const test: Action = {
    text: "Test",
    run: () => send("POST", webhookPath(id, "test")),
    done: `Test delivery to ${id} succeeded`,
  };
  const enable: Action = {
    text: "Enable",
    kind: "primary",
    run: () => send("POST", webhookPath(id, "enable")),
    done: `Webhook ${id} enabled; its queue continues`,
  };
  return {
    key: id,
    name: id,
    address: addressOf("webhooks", id),
    line: (
      <>
        {troubleOf(webhook)}
        {last_error !== undefined && `: ${last_error}`}
        {" · "}
        <span class="mono">{url}</span>
      </>
    ),
    why:
      pending > 0
        ? `${plural(pending, "event waits", "events wait")}, and its receiver gets nothing.`
        : active
          ? "Its receiver has missed events."
          : "Its receiver gets nothing.",
    since: last_failure_at ?? last_fired ?? created_at,
    tone: active ? "warn" : "bad",
    actions: [
      ...(active ? [] : [enable]),
      ...(active && failing === undefined && dead_letters > 0 ? [resend] : []),
      ...(failing === undefined ? [] : [skipAction(id, failing.event_id)]),
      test,
    ],
  };
}

export const WEBHOOKS = sourceOf<readonly Webhook[]>({
  title: "Webhooks",
  address: addressOf("webhooks"),
  none: "every webhook delivers",
  loader: webhooksLoader,
  itemsOf: (webhooks) => {
    const items = (which: (webhook: Webhook) => boolean): Item[] => oldestFirst(webhooks.filter(which).map(itemOf));
    return [
      ...items(({ active }) => !active),
      ...items(({ active, fail_count, dead_letters }) => active && fail_count + dead_letters > 0),
    ];
  },
});
