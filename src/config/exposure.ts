/**
 * Decides whether clients on other machines can reach the server without a token, or can guess its token. The log and
 * the dashboard warn about it. Pure.
 */
import type { Config } from "../../schemas/config.js";
import { SERVER_TOKEN_CHARACTERS_MIN } from "../../schemas/limits/tokens.js";
import { isLoopback, parseAddress } from "./address.js";

/** Returns whether the server needs no token although other machines can reach one of its ports. */
export function isExposed(config: Config): boolean {
  return config.auth_token === "" && isReachable(config);
}

/** Returns whether other machines can reach one of the server's ports. */
export function isReachable({ bind, dashboard_bind }: Pick<Config, "bind" | "dashboard_bind">): boolean {
  const hosts = [bind, dashboard_bind].flatMap((address) => parseAddress(address)?.host ?? []);
  return !hosts.every(isLoopback);
}

/** Returns whether the server has a token that is so short that it could be guessed. */
export function hasShortToken({ auth_token }: Pick<Config, "auth_token">): boolean {
  return auth_token !== "" && Array.from(auth_token).length < SERVER_TOKEN_CHARACTERS_MIN;
}
