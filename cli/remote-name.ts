/**
 * Reduces the URL of a git remote to a name that is the same in all clones of a repository, whatever protocol, user or
 * port a clone uses: `host/path`. The name of a repository on a local disk is its last segment, because its path
 * differs between machines. Pure; runs in the CLI process.
 */

/** Matches a URL with a scheme: its scheme, host part and path. */
const WITH_SCHEME = /^([a-z][a-z0-9+.-]*):\/\/([^/]*)(.*)$/is;
/** Matches the short form of an ssh address, `user@host:path`. A host in brackets may contain colons. */
const SHORT_SSH = /^((?:[^/\\@[]*@)?(?:\[[^\]]*\]|[^/\\:]+)):(.*)$/s;
const DRIVE = /^[A-Za-z]:(?:[\\/]|$)/;
/** Matches the name of a program for the remote, such as `ext::`, which git expects before the address. */
const HELPER = /^[A-Za-z0-9]+::/;

/** Returns the segments of a path. Removes `.git` at its end, as a folder or as the ending of the last name. */
function segmentsOf(path: string): string[] {
  const segments = path.split("/").filter((segment) => segment !== "");
  if (segments.at(-1) === ".git") segments.pop();
  const last = segments.pop();
  return last === undefined ? segments : [...segments, last.replace(/\.git$/, "")];
}

/** Returns the host without user and port, in lower case. */
function hostOf(authority: string): string {
  // An IPv6 address is in brackets. The short form also puts a host with a port there, and the user may be there, too.
  const inner = /\[([^\]]*)\]/.exec(authority)?.[1] ?? authority;
  const place = inner.slice(inner.lastIndexOf("@") + 1).toLowerCase();
  return place.split(":").length > 2 ? `[${place}]` : place.replace(/:\d*$/, "");
}

function localName(path: string): string | undefined {
  const name = segmentsOf(path.replaceAll("\\", "/")).at(-1);
  return name === undefined || name === "." || name === ".." ? undefined : name;
}

/** Returns the name of the repository at a URL or path of a git remote; undefined if nothing is left of it. */
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
