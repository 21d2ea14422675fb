/**
 * Derives a name from the URL of a git remote: `host/path`. The name is the same in all clones of a repository,
 * whatever protocol, user or port a clone uses. For a repository on a local disk, it is the last segment of the path,
 * because the rest differs between machines. Pure; runs in the CLI process.
 */

/** Matches a URL with a scheme: its scheme, host part and path. */
const WITH_SCHEME = /^([a-z][a-z0-9+.-]*):\/\/([^/]*)(.*)$/is;
/** Matches the short form of an ssh address, `user@host:path`. A host in brackets may contain colons. */
const SHORT_SSH = /^((?:[^/\\@[]*@)?(?:\[[^\]]*\]|[^/\\:]+)):(.*)$/s;
const DRIVE = /^[A-Za-z]:(?:[\\/]|$)/;
/** Matches the prefix that names a helper program for the remote, such as `ext::`. */
const HELPER = /^[A-Za-z0-9]+::/;

/** Returns the segments of a path. Removes `.git` at its end, whether it is a segment or a suffix. */
function segmentsOf(path: string): string[] {
  const segments = path.split("/").filter((segment) => segment !== "");
  if (segments.at(-1) === ".git") segments.pop();
  const last = segments.pop();
  return last === undefined ? segments : [...segments, last.replace(/\.git$/, "")];
}

/** Returns the host without user and port, in lower case. */
function hostOf(authority: string): string {
  // Brackets contain an IPv6 address. In the short form they can also contain a host with a port, and the user.
  const inner = /\[([^\]]*)\]/.exec(authority)?.[1] ?? authority;
  const place = inner.slice(inner.lastIndexOf("@") + 1).toLowerCase();
  return place.split(":").length > 2 ? `[${place}]` : place.replace(/:\d*$/, "");
}

function localName(path: string): string | undefined {
  const name = segmentsOf(path.replaceAll("\\", "/")).at(-1);
  return name === undefined || name === "." || name === ".." ? undefined : name;
}

/** Returns the name of the repository at the URL or path of a git remote; undefined if the name would be empty. */
export function reduceRemote(url: string): string | undefined {
  const address = url.trim().replace(HELPER, "");
  const [, scheme, authority = "", path = ""] = WITH_SCHEME.exec(address) ?? [];
  if (scheme?.toLowerCase() === "file") return localName(authority + path);
  if (scheme !== undefined) return joinName(authority, path);
  if (DRIVE.test(address)) return localName(address.slice(2));
  const [, place, remotePath = ""] = SHORT_SSH.exec(address) ?? [];
  return place === undefined ? localName(address) : joinName(place, remotePath);
}

function joinName(authority: string, path: string): string | undefined {
  const host = hostOf(authority);
  const segments = segmentsOf(path);
  return host === "" ? segments.at(-1) : [host, ...segments].join("/");
}
