/** Computes the health of a webhook, advice about it, and the contents of its form. Pure. */
import type { DeadLetter, Webhook, WebhookDelivery } from "../../api/types.js";

export interface Health {
  readonly tone: "good" | "warn" | "bad" | "plain";
  readonly words: string;
}

/**
 * The number of consecutive failures that disable a webhook. It must equal WEBHOOK_FAILURES_MAX. That constant is not
 * imported, because the bundle would then contain all other limits, too.
 */
export const FAILURES_MAX = 400;

/** Returns the health of a webhook as a badge. */
export function healthOf({ active, fail_count, last_fired }: Webhook): Health {
  if (!active) return { tone: "bad", words: "off" };
  if (fail_count > 0)
    return { tone: "warn", words: `failing ${fail_count === 1 ? "once" : `${fail_count} times in a row`}` };
  return last_fired === undefined
    ? { tone: "plain", words: "nothing delivered yet" }
    : { tone: "good", words: "healthy" };
}

/** Returns how urgent a webhook is for sorting; 0 is the most urgent. */
function urgency({ active, fail_count, dead_letters }: Webhook): number {
  if (!active) return 0;
  return fail_count > 0 || dead_letters > 0 ? 1 : 2;
}

/** Returns the style of the webhook's row. */
export function toneOf(webhook: Webhook): "bad" | "warn" | undefined {
  return (["bad", "warn"] as const)[urgency(webhook)];
}

/** Sorts webhooks: first those that need attention, then the rest by id. */
export function byUrgency(webhooks: readonly Webhook[]): Webhook[] {
  return webhooks.toSorted((a, b) => urgency(a) - urgency(b) || (a.id < b.id ? -1 : 1));
}

/** Returns advice for a webhook that fails; "" if it is healthy. */
export function adviceFor({ active, fail_count, url, pending }: Webhook): string {
  if (active && fail_count === 0) return "";
  const where = hostOf(url);
  if (!active)
    return (
      `Nothing is delivered. Queued events wait; events published while the webhook is off are not queued. ` +
      `Repair the receiver at ${where}, send a test delivery, then enable the webhook.`
    );
  return (
    `${pending} pending. After ${FAILURES_MAX} failures in a row the webhook is turned off. ` +
    `Repair the receiver at ${where}, or skip the event.`
  );
}

/**
 * An action on an event in the delivery log. `skip` skips the event that is being tried, and `send` sends a dead letter
 * again.
 */
export type Offer = "skip" | "send";

/**
 * Returns the action that is offered at each row of the log. For each event, only the row of its last attempt has one.
 */
export function offersOf(
  tries: readonly WebhookDelivery[],
  { failing }: Pick<Webhook, "failing">,
  setAside: readonly Pick<DeadLetter, "event_id">[],
): ReadonlyMap<WebhookDelivery, Offer> {
  const waiting = new Set(setAside.map(({ event_id }) => event_id));
  const seen = new Set<number>();
  const offers = new Map<WebhookDelivery, Offer>();
  for (const row of tries) {
    const { event_id } = row;
    if (seen.has(event_id)) continue;
    seen.add(event_id);
    if (failing?.event_id === event_id) offers.set(row, "skip");
    else if (waiting.has(event_id)) offers.set(row, "send");
  }
  return offers;
}

function hostOf(url: string): string {
  return URL.canParse(url) ? new URL(url).host : url;
}

/**
 * Parses a list of patterns that are separated by commas, white space or line breaks. Returns "*" if there are none.
 */
export function patternsOf(text: string): string[] {
  const patterns = text.split(/[\s,]+/).filter((pattern) => pattern !== "");
  return patterns.length === 0 ? ["*"] : [...new Set(patterns)];
}

export const FORM_FIELDS = ["id", "url", "patterns", "secret"] as const;
export type FormField = (typeof FORM_FIELDS)[number];

/**
 * The words by which error messages name the fields of the form. A message that names a field is shown at that field.
 * Any other message is shown below the form.
 */
const NAMED: readonly (readonly [field: FormField, words: RegExp])[] = [
  ["id", /^(id|webhook)\b/],
  ["url", /^(url|address)\b/],
  ["patterns", /\bpatterns?\b/],
  ["secret", /^secret\b/],
];

/** Returns the form field that an error message names; undefined if it names none. */
export function fieldOf(refusal: string): FormField | undefined {
  return NAMED.find(([, words]) => words.test(refusal))?.[0];
}
