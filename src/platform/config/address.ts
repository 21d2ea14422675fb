/** Parses addresses of the form `HOST:PORT`. They occur in flags, in settings files and in `Host` headers. Pure. */
import { isIP } from "node:net";

export interface Address {
  /** The host; "" means every interface. An IPv6 address has no brackets here. */
  readonly host: string;
  readonly port: number;
}

/**
 * Splits an address such as `localhost:9800`, `:9800`, `0.0.0.0:0` or `[::1]:9800`. Returns undefined for any other
 * text.
 */
export function parseAddress(text: string): Address | undefined {
  const match = /^(?:\[([^\]\s/]+)\]|([^:[\]\s/]*)):(\d{1,5})$/.exec(text);
  if (match === null) return undefined;
  const [, bracketed, plain, digits] = match;
  if (bracketed !== undefined && isIP(bracketed) !== 6) return undefined;
  const port = Number(digits);
  return port > 65_535 ? undefined : { host: bracketed ?? plain ?? "", port };
}

/** Returns the address as text, with brackets around an IPv6 host. */
export function formatAddress(host: string, port: number): string {
  return host.includes(":") ? `[${host}]:${port}` : `${host}:${port}`;
}

/** Returns whether only this machine can reach the host. */
export function isLoopback(host: string): boolean {
  return host === "localhost" || host === "::1" || /^127\.\d+\.\d+\.\d+$/.test(host);
}

/** Returns whether the host means every interface. */
export function isWildcard(host: string): boolean {
  return host === "" || host === "0.0.0.0" || host === "::";
}
