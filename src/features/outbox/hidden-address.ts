/**
 * Hides the URL of a webhook, because the URL is often itself a secret. A caller without the server's token sees only
 * the host. Pure.
 */

/** Returns the host of a webhook's URL, including its port if it has one. */
export function hostOf(url: string): string {
  return URL.canParse(url) ? new URL(url).host : "";
}

/**
 * Matches the URL of a redirect in the reason of a failure. This URL must be hidden too, because it may be the
 * webhook's own URL with another scheme.
 */
const LOCATION = / with Location .*$/s;

/** Returns the reason of a failed delivery without the URL of the redirect. */
export function withoutLocation(reason: string): string {
  return reason.replace(LOCATION, " with a Location, which is not followed");
}
