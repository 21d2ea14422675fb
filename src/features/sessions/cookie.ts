/**
 * Parses and formats the session cookie. The name of the cookie contains the port, because browsers send a host's
 * cookies to all its ports. Otherwise logging in to one server would log the user out of another server on the same
 * host. Pure.
 */
import { SESSION_COOKIE_BYTES, SESSION_COOKIES_TRIED_MAX, SESSION_IDLE_MS } from "../../../schemas/limits/sessions.js";

const VALUE = new RegExp(`^[A-Za-z0-9_-]{${Math.ceil((SESSION_COOKIE_BYTES * 4) / 3)}}$`);

/** Returns the name of the cookie for a dashboard on this port. */
export function cookieName(port: number): string {
  return `koor_session_${port}`;
}

/**
 * Returns the values of the cookies with this name in a `Cookie` header, at most SESSION_COOKIES_TRIED_MAX. Malformed
 * values are skipped.
 */
export function cookieValues(header: string, name: string): string[] {
  const values: string[] = [];
  for (const pair of header.split(";")) {
    const [key, value = ""] = pair.trim().split("=");
    if (key !== name || !VALUE.test(value)) continue;
    values.push(value);
    if (values.length === SESSION_COOKIES_TRIED_MAX) break;
  }
  return values;
}

/**
 * Returns the `Set-Cookie` header for a session. The browser keeps the cookie for the maximum idle time of a session.
 */
export function keepCookie(name: string, value: string, secure: boolean): string {
  return setCookie(name, value, SESSION_IDLE_MS / 1000, secure);
}

/** Returns the `Set-Cookie` that deletes the cookie. */
export function clearCookie(name: string): string {
  return setCookie(name, "", 0, false);
}

function setCookie(name: string, value: string, maxAgeS: number, secure: boolean): string {
  return `${name}=${value}; Path=/; HttpOnly; SameSite=Strict; Max-Age=${maxAgeS}${secure ? "; Secure" : ""}`;
}
