/** Whether strangers can get at the server, and past its token: what the log and the dashboard warn of. Pure. */
import type { Config } from "../../schemas/config.js";
import { SERVER_TOKEN_CHARACTERS_MIN } from "../../schemas/limits.js";
import { isLoopback, parseAddress } from "./address.js";

/** True where no token is needed and a port can be reached from other machines. */
export function isExposed(config: Config): boolean {
  return config.auth_token === "" && isReachable(config);
}

/** True where a port can be reached from other machines. */
export function isReachable({ bind, dashboard_bind }: Pick<Config, "bind" | "dashboard_bind">): boolean {
  const hosts = [bind, dashboard_bind].flatMap((address) => parseAddress(address)?.host ?? []);
  return !hosts.every(isLoopback);
}

/** True where there is a token that could be guessed. */
export function hasShortToken({ auth_token }: Pick<Config, "auth_token">): boolean {
  return auth_token !== "" && Array.from(auth_token).length < SERVER_TOKEN_CHARACTERS_MIN;
}
