/** Finds the endpoints that a command calls, from its row in the command table. */
import type { CommandRow } from "../../cli/command-row.js";

/** Replaces each path parameter by `{}`, because rows and routes may use different names. */
export function withoutNames(endpoint: string): string {
  return endpoint.replaceAll(/\{\w+\/\}/g, "{}/{}").replaceAll(/\{\w+(?:\.\.\.)?\}/g, "{}");
}

/** Returns the endpoints of a command, such as `GET /api/specs/{}/{}`. */
export function endpointsOf(row: CommandRow): readonly string[] {
  const named = "method" in row ? [`${row.method} ${row.path}`] : (row.endpoints ?? []);
  return named.map(withoutNames);
}

/** The requests with which a command checks the servers if several are configured. */
const ABOUT_SERVERS = ["GET /health", "GET /api/cluster"];

/** Whether a request goes to one of the endpoints. The key of a state request may have several segments. */
export function isDeclared(endpoints: readonly string[], method: string, url: string): boolean {
  const [path = ""] = url.split("?");
  return [...endpoints, ...ABOUT_SERVERS].some((endpoint) => {
    const pattern = endpoint.split("{}").map((text) => text.replaceAll(/[.*+?^${}()|[\]\\]/g, String.raw`\$&`));
    const last = endpoint.startsWith("GET /api/state/") ? ".+" : "[^/]+";
    return new RegExp(`^${pattern.join(last)}$`).test(`${method} ${path}`);
  });
}
