/** Formats an action of the page as a shell command. Pure. */

function quoted(text: string): string {
  return `'${text.replaceAll("'", "'\\''")}'`;
}

/**
 * Formats a POST request as a curl command.
 * @param auth whether the server requires a token, which the command then includes
 */
export function curlPost(url: string, body: string, auth: boolean): string {
  const token = auth ? ' -H "Authorization: Bearer $KOOR_TOKEN"' : "";
  return `curl${token} ${quoted(url)} -d ${quoted(body)}`;
}
