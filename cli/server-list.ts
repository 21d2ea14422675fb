/**
 * The servers of one cluster as one text, `http://a:9800,http://b:9800`, and back. Pure; runs in the command line's
 * process. Leaves which of them is asked to cluster.ts.
 */
import { CLI_SERVERS_MAX } from "../schemas/limits.js";

/** Only a comma that a URL stands behind parts two servers: any other belongs to a path. */
const BETWEEN = /,\s*(?=https?:)/i;

/** One server's address; `undefined` where `text` is not an http(s) URL that paths can be added to. */
function parseServer(text: string): URL | undefined {
  const url = URL.canParse(text) ? new URL(text) : undefined;
  if (!url || (url.protocol !== "http:" && url.protocol !== "https:")) return undefined;
  return url.search || url.hash || url.username || url.password ? undefined : url;
}

/** The servers in their order, each once; at least one. `undefined` where one is no server, or they are too many. */
export function parseServers(text: string): readonly [URL, ...URL[]] | undefined {
  const servers = new Map<string, URL>();
  for (const part of text.split(BETWEEN)) {
    const server = parseServer(part);
    if (server === undefined) return undefined;
    servers.set(server.href, server);
  }
  const [first, ...others] = servers.values();
  return first === undefined || others.length >= CLI_SERVERS_MAX ? undefined : [first, ...others];
}

export function joinServers(servers: readonly URL[]): string {
  return servers.map(({ href }) => href).join(",");
}
