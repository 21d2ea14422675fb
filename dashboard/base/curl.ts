/** Formats an action of the page as a shell command. Pure. */
import { shellQuote } from "../../shared/shell-quote.js";

/**
 * Formats a POST request as a curl command.
 * @param auth whether the server requires a token, which the command then includes
 */
export function curlPost(url: string, body: string, auth: boolean): string {
  const token = auth ? ' -H "Authorization: Bearer $KOOR_TOKEN"' : "";
  return `curl${token} ${shellQuote(url)} -d ${shellQuote(body)}`;
}
