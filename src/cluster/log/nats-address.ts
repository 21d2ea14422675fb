/**
 * Parses `nats://user:password@a:4222,b:4222` into servers, credentials, and an address without secrets to show to the
 * operator. Pure.
 */
import { LogError } from "./ordered-log.js";

/** The parsed address of a NATS log. */
export interface NatsAddress {
  /** The servers as `host:port`, in the order in which they are tried. */
  readonly servers: readonly string[];
  readonly tls: boolean;
  /** The user and the password; null if the address has none. At most one of `login` and `token` is set. */
  readonly login: { readonly user: string; readonly pass: string } | null;
  readonly token: string | null;
  /** The address without its secrets, for messages to the operator. */
  readonly shown: string;
}

/** The schemes of addresses. The value is true if the scheme requires TLS. */
const SCHEMES: Readonly<Record<string, boolean>> = { "nats:": false, "tls:": true };

/**
 * Parses an address. The credentials come before the first server. They may be repeated before each further server, but
 * must be the same. Credentials without a colon are a token.
 * @throws LogError "denied" if the address is invalid
 */
export function parseNatsAddress(url: string): NatsAddress {
  const [, scheme = "", rest = ""] = /^([a-z]+:)\/\/(.*)$/.exec(url) ?? [];
  const tls = SCHEMES[scheme];
  // Leave the address out of the message, because it may contain a password.
  if (tls === undefined)
    throw new LogError("denied", "the address of the log is invalid: it must begin with nats:// or tls://");
  const parts = rest.split(",").map((part) => splitCredentials(part.replace(/^[a-z]+:\/\//, "")));
  const servers = parts.map(({ server }) => server);
  const shown = `${scheme}//${servers.join(",")}`;
  // Parse each server as an `http:` URL, because that scheme requires a host. The message does not quote an invalid
  // server: it may be half of a password that contains a comma.
  if (!servers.every((server) => URL.canParse(`http://${server}`)))
    throw new LogError("denied", "the address of the log is invalid: it names no servers");
  const [credentials = "", ...others] = new Set(parts.map((part) => part.credentials).filter((text) => text !== ""));
  if (others.length > 0) throw new LogError("denied", `the servers in ${shown} have different credentials`);
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
