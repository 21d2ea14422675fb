/**
 * Decides whether clients on other machines can use the server without a token, or can guess its token. The log and the
 * dashboard warn about this. Pure.
 */
import type { Config } from "../../../schemas/config.js";
import { SERVER_TOKEN_CHARACTERS_MIN } from "../../../schemas/limits/tokens.js";
import { isLoopback, parseAddress } from "./address.js";

/** Returns whether other machines can use the server without a token. */
export function isExposed(config: Config): boolean {
  return config.auth_token === "" && isReachable(config);
}

/** Returns whether other machines can connect to one of the server's ports. */
export function isReachable({ bind, dashboard_bind }: Pick<Config, "bind" | "dashboard_bind">): boolean {
  const hosts = [bind, dashboard_bind].flatMap((address) => parseAddress(address)?.host ?? []);
  return !hosts.every(isLoopback);
}

/** Returns the name of the option whose token is short enough to be guessed; null if there is none. */
export function shortToken(config: Pick<Config, "auth_token" | "ci_token">): "auth_token" | "ci_token" | null {
  const isShort = (token: string): boolean => token !== "" && Array.from(token).length < SERVER_TOKEN_CHARACTERS_MIN;
  return (["auth_token", "ci_token"] as const).find((option) => isShort(config[option])) ?? null;
}
