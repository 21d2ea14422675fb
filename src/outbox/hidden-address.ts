/**
 * Hides the URL of a webhook, because it is often itself a secret. A caller without the server's token sees only its
 * host. Pure.
 */

/** Returns the host of a webhook's URL, with the port if the URL has one. */
export function hostOf(url: string): string {
  return URL.canParse(url) ? new URL(url).host : "";
}

/**
 * Matches the URL that a receiver gave in a redirect. It must be hidden, because it may equal the webhook's URL except
 * for the scheme.
 */
const LOCATION = / with Location .*$/s;

/** Returns the reason of a failed delivery without the URL to which the receiver redirected. */
export function withoutLocation(reason: string): string {
  return reason.replace(LOCATION, " with a Location, which is not followed");
}
