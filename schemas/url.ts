/** Addresses that the server is asked to call; whether it may is src/outbound/url.ts's. */
import { OUTBOUND_URL_BYTES_MAX } from "./limits.js";
import { Text } from "./text.js";

export function HttpUrl(description: string) {
  return Text({
    bytes_max: OUTBOUND_URL_BYTES_MAX,
    required: true,
    promised_pattern: "^https?://[a-z0-9]+([.-][a-z0-9]+)*(:[1-9][0-9]{0,3})?(/[A-Za-z0-9._~/-]*)?$",
    description,
  });
}
