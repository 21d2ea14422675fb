/**
 * `nats://user:password@a:4222,b:4222` taken apart: which servers, with which credentials, and the address as an
 * operator may see it. Pure.
 */
import { LogError } from "./ordered-log.js";

/** Where the servers are, and who asks. */
export interface NatsAddress {
  /** `host:port`, in the order in which they are tried. */
  readonly servers: readonly string[];
  readonly tls: boolean;
  /** At most one of the two is there. */
  readonly login: { readonly user: string; readonly pass: string } | null;
  readonly token: string | null;
  /** The address without its secrets. */
  readonly shown: string;
}

/** Whether TLS is wanted, by the scheme. */
const SCHEMES: Readonly<Record<string, boolean>> = { "nats:": false, "tls:": true };

/**
 * Takes an address apart. Credentials are the first server's, and good for all of them; one word before the `@` is a
 * token.
 * @throws LogError "denied" for one that is none
 */
export function parseNatsAddress(url: string): NatsAddress {
  const found = /^([a-z]+:)\/\/(.*)$/.exec(url);
  const [, scheme = "", rest = ""] = found ?? [];
  const tls = SCHEMES[scheme];
  // The whole text is not shown: it may hold a password.
  if (tls === undefined)
    throw new LogError("denied", "the address of the log is none: it begins with nats:// or tls://");
  const at = rest.lastIndexOf("@");
  const listed = rest.slice(at + 1).replace(/\/$/, "");
  const servers = listed.split(",").map((server) => server.replace(/^[a-z]+:\/\//, ""));
  const shown = `${scheme}//${servers.join(",")}`;
  for (const server of servers)
    if (!URL.canParse(`nats://${server}`))
      throw new LogError("denied", `the address of the log is none: ${shown} does not name a server`);
  return { servers, tls, shown, ...parseCredentials(at === -1 ? "" : rest.slice(0, at)) };
}

function parseCredentials(text: string): Pick<NatsAddress, "login" | "token"> {
  if (text === "") return { login: null, token: null };
  const colon = text.indexOf(":");
  if (colon === -1) return { login: null, token: decodePercents(text) };
  return {
    login: { user: decodePercents(text.slice(0, colon)), pass: decodePercents(text.slice(colon + 1)) },
    token: null,
  };
}

function decodePercents(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch (error) {
    throw new LogError("denied", "the credentials in the log's address are not percent-encoded text", error);
  }
}
