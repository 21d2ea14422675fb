/**
 * Derives the name of a repository, `host/path`, from the URL of its git remote. All clones get the same name, even if
 * they use different protocols, users or ports. If the remote is on a local disk, the name is the last segment of its
 * path, because the rest of the path differs between machines. Pure; runs in the CLI process.
 */

/** Matches a URL with a scheme. The groups are the scheme, the authority (user, host and port), and the path. */
const WITH_SCHEME = /^([a-z][a-z0-9+.-]*):\/\/([^/]*)(.*)$/is;
/** Matches the short form of an ssh address, `user@host:path`. A host in brackets may contain colons. */
const SHORT_SSH = /^((?:[^/\\@[]*@)?(?:\[[^\]]*\]|[^/\\:]+)):(.*)$/s;
const DRIVE = /^[A-Za-z]:(?:[\\/]|$)/;
/** Matches a prefix such as `ext::`, which names git's helper program for the remote. */
const HELPER = /^[A-Za-z0-9]+::/;

/**
 * Returns the segments of a path. Drops `.git` at the end, both as a suffix (`koor.git`) and as a segment
 * (`koor/.git`).
 */
function segmentsOf(path: string): string[] {
  const segments = path.split("/").filter((segment) => segment !== "");
  if (segments.at(-1) === ".git") segments.pop();
  const last = segments.pop();
  return last === undefined ? segments : [...segments, last.replace(/\.git$/, "")];
}

/** Returns the host in lower case, without its user and port. */
function hostOf(authority: string): string {
  // In a URL, brackets contain an IPv6 address. In the short ssh form, they may also contain a port or the user.
  const inner = /\[([^\]]*)\]/.exec(authority)?.[1] ?? authority;
  const place = inner.slice(inner.lastIndexOf("@") + 1).toLowerCase();
  return place.split(":").length > 2 ? `[${place}]` : place.replace(/:\d*$/, "");
}

function localName(path: string): string | undefined {
  const name = segmentsOf(path.replaceAll("\\", "/")).at(-1);
  return name === undefined || name === "." || name === ".." ? undefined : name;
}

/** Returns the name of the repository that a git remote's URL or path names; undefined if the name would be empty. */
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
