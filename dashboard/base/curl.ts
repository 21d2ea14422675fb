/** What the page does as a command for a shell. Pure. */

function quoted(text: string): string {
  return `'${text.replaceAll("'", "'\\''")}'`;
}

/** The POST of a body by curl. @param auth whether the server asks for a token */
export function curlPost(url: string, body: string, auth: boolean): string {
  const token = auth ? ' -H "Authorization: Bearer $KOOR_TOKEN"' : "";
  return `curl${token} ${quoted(url)} -d ${quoted(body)}`;
}
