/**
 * Decides whether unauthenticated clients of other machines can reach the server, or guess its token; the log and the
 * dashboard warn about it. Pure.
 */
import type { Config } from "../../schemas/config.js";
import { SERVER_TOKEN_CHARACTERS_MIN } from "../../schemas/limits.js";
import { isLoopback, parseAddress } from "./address.js";

/** Returns whether no token is needed and other machines can reach a port. */
export function isExposed(config: Config): boolean {
  return config.auth_token === "" && isReachable(config);
}

/** Returns whether other machines can reach a port. */
export function isReachable({ bind, dashboard_bind }: Pick<Config, "bind" | "dashboard_bind">): boolean {
  const hosts = [bind, dashboard_bind].flatMap((address) => parseAddress(address)?.host ?? []);
  return !hosts.every(isLoopback);
}

/** Returns whether there is a token that could be guessed. */
export function hasShortToken({ auth_token }: Pick<Config, "auth_token">): boolean {
  return auth_token !== "" && Array.from(auth_token).length < SERVER_TOKEN_CHARACTERS_MIN;
}
