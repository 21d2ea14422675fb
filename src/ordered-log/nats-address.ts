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
 * Takes an address apart. Credentials stand before the first server, or before each of them the same; one word before
 * the `@` is a token.
 * @throws LogError "denied" for one that is none
 */
export function parseNatsAddress(url: string): NatsAddress {
  const [, scheme = "", rest = ""] = /^([a-z]+:)\/\/(.*)$/.exec(url) ?? [];
  const tls = SCHEMES[scheme];
  // The text itself is not shown: it may hold a password.
  if (tls === undefined)
    throw new LogError("denied", "the address of the log is none: it begins with nats:// or tls://");
  const parts = rest.split(",").map((part) => splitCredentials(part.replace(/^[a-z]+:\/\//, "")));
  const servers = parts.map(({ server }) => server);
  const shown = `${scheme}//${servers.join(",")}`;
  // By the rules of a scheme that has to have a host. What is no server may be half of a password with a comma.
  if (!servers.every((server) => URL.canParse(`http://${server}`)))
    throw new LogError("denied", "the address of the log is none: it does not name its servers");
  const [credentials = "", ...others] = new Set(parts.map((part) => part.credentials).filter((text) => text !== ""));
  if (others.length > 0) throw new LogError("denied", `the servers in ${shown} are given several credentials`);
  return { servers, tls, shown, ...parseCredentials(credentials) };
}

function splitCredentials(part: string): { readonly server: string; readonly credentials: string } {
  const at = part.lastIndexOf("@");
  return { server: part.slice(at + 1).replace(/\/$/, ""), credentials: part.slice(0, Math.max(0, at)) };
}

function parseCredentials(text: string): Pick<NatsAddress, "login" | "token"> {
  if (text === "") return { login: null, token: null };
  const colon = text.indexOf(":");
  if (colon === -1) return { login: null, token: decodePercents(text) };
  const [user, pass] = [text.slice(0, colon), text.slice(colon + 1)].map(decodePercents);
  return { login: { user: user ?? "", pass: pass ?? "" }, token: null };
}

function decodePercents(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch (error) {
    throw new LogError("denied", "the credentials in the log's address are not percent-encoded text", error);
  }
}
