/**
 * Builds the headers that describe a project to the server, which cannot see the project's files. `init` writes the
 * headers into the hooks of clients, and `koor-hook` sends them. Pure; runs in the CLI process.
 */

/** The properties of a project that the headers describe. */
export interface HookProject {
  /** The path of the working tree: as the user typed it, and with links resolved. One entry if the two are equal. */
  readonly roots: readonly string[];
  readonly workspace: string | null;
  readonly checkout: string;
  readonly policy: string;
  /** The globs of `.koor/project.json`; empty if the file has none. */
  readonly ignore: readonly string[];
  readonly repoScope: readonly string[];
  readonly autoTtlS: number | undefined;
}

/**
 * Percent-encodes a text for a header. It also encodes commas, which separate the entries of a list, and `$`, because
 * some clients replace `$NAME` in headers.
 */
export function encodeHeader(text: string): string {
  return text.replaceAll(/[^\x21-\x7e]|[%,$"'\\`]/gu, (character) =>
    [...Buffer.from(character)].map((byte) => `%${byte.toString(16).toUpperCase().padStart(2, "0")}`).join(""),
  );
}

function listOf(entries: readonly string[]): string | undefined {
  return entries.length === 0 ? undefined : entries.map(encodeHeader).join(",");
}

/** Returns the headers of a project, by name. */
export function hookHeaders(project: HookProject): Readonly<Record<string, string>> {
  const headers: Readonly<Record<string, string | undefined>> = {
    "X-Koor-Root": listOf(project.roots),
    "X-Koor-Workspace": project.workspace === null ? undefined : encodeHeader(project.workspace),
    "X-Koor-Checkout": project.checkout,
    "X-Koor-Policy": project.policy,
    "X-Koor-Ignore": listOf(project.ignore),
    "X-Koor-Repo-Scope": listOf(project.repoScope),
    "X-Koor-Auto-Ttl": project.autoTtlS === undefined ? undefined : `${project.autoTtlS}`,
  };
  return Object.fromEntries(Object.entries(headers).filter((pair): pair is [string, string] => pair[1] !== undefined));
}
