/**
 * Hides a webhook's URL, which is often a secret itself, from callers without the server's token: they see its host.
 * Pure.
 */

/** Returns the host of a webhook's URL, with the port if the URL has one. */
export function hostOf(url: string): string {
  return URL.canParse(url) ? new URL(url).host : "";
}

/** A receiver that has moved answers with a URL, which may equal the webhook's own except for the scheme. */
const LOCATION = / with Location .*$/s;

/** Returns the reason of a failed delivery without the URL that the receiver has named. */
export function withoutLocation(reason: string): string {
  return reason.replace(LOCATION, " with a Location, which is not followed");
}
