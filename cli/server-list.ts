/**
 * Parses and formats a list of servers in one text (`http://a:9800,http://b:9800`). They are the servers of a cluster,
 * among which cluster.ts chooses. Pure; runs in the CLI process.
 */
import { CLI_SERVERS_MAX } from "../schemas/limits/cli.js";

/**
 * Matches the comma between two servers. Only a comma with a URL after it separates servers; any other comma belongs to
 * a path.
 */
const BETWEEN = /,\s*(?=https?:)/i;

/** Parses the URL of one server. Returns undefined if it is not an http(s) URL to which a path can be appended. */
function parseServer(text: string): URL | undefined {
  const url = URL.canParse(text) ? new URL(text) : undefined;
  if (!url || (url.protocol !== "http:" && url.protocol !== "https:")) return undefined;
  return url.search || url.hash || url.username || url.password ? undefined : url;
}

/**
 * Parses a list of servers. Keeps their order and removes duplicates. Returns undefined if a URL is invalid, or if
 * there are too many.
 */
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

/** Returns advice for a text that names no server, because only the scheme is missing; "" if there is none. */
export function adviseScheme(text: string): string {
  const withScheme = `http://${text.replace(/^:(?=\d)/, "localhost:").replace(/^(?=\d+$)/, "localhost:")}`;
  return text.includes("/") || text.includes("@") || !parseServers(withScheme) ? "" : `did you mean ${withScheme}?`;
}

export function joinServers(servers: readonly URL[]): string {
  return servers.map(({ href }) => href).join(",");
}
