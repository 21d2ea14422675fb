/**
 * The schema of the URLs that the server calls for a client. src/platform/outbound/url.ts decides whether the server
 * may call a URL.
 */
import { OUTBOUND_URL_BYTES_MAX } from "./limits/outbound.js";
import { Text } from "./text.js";

const LABEL = "[a-z0-9]+(?:-[a-z0-9]+)*";
const PORT = "(?::[1-9][0-9]{0,3})?";

export function HttpUrl(description: string) {
  return Text({
    charactersMax: OUTBOUND_URL_BYTES_MAX,
    required: true,
    line: true,
    // Matches only hosts whose last label begins with a letter, because any other host may be a malformed IP address.
    promisedPattern: `^https?://(?:${LABEL}\\.)*[a-z][a-z0-9]*(?:-[a-z0-9]+)*${PORT}(?:/[A-Za-z0-9._~/-]*)?$`,
    description,
  });
}
