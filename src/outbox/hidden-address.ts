/**
 * What others than the holders of the server's token may see of a webhook's address, which is often a secret itself:
 * its host. Pure.
 */

/** The host of a webhook's address, with its port where the address has one. */
export function hostOf(url: string): string {
  return URL.canParse(url) ? new URL(url).host : "";
}

/** A receiver that has moved answers with an address, which may be the webhook's own but for its scheme. */
const LOCATION = / with Location .*$/s;

/** The reason of a failed delivery, without the address that the receiver has named. */
export function withoutLocation(reason: string): string {
  return reason.replace(LOCATION, " with a Location, which is not followed");
}
