/** Tests which values of a `Cookie` header are accepted as sessions, and which cookies are set. */
import t from "tap";
import { SESSION_COOKIES_TRIED_MAX } from "../../../schemas/limits/sessions.js";
import { clearCookie, cookieName, cookieValues, keepCookie } from "./cookie.js";

const VALUE = "a".repeat(42);
const NAME = cookieName(9847);

t.test("values are found by name among other cookies, if they have the form of a session's value", (t) => {
  const one = `${VALUE}1`;
  const two = `${VALUE}2`;
  t.equal(NAME, "koor_session_9847");
  for (const header of [
    `${NAME}=${one}`,
    `a=b; ${NAME}=${one}; c=d`,
    `a=b;${NAME}=${one}`,
    `koor_session_98470=${two}; ${NAME}=${one}`,
    `koor_session_984=${two};  ${NAME}=${one} `,
  ])
    t.same(cookieValues(header, NAME), [one], header);
  for (const header of [
    "",
    NAME,
    `${NAME}=`,
    `${NAME}=${VALUE}`,
    `${NAME}="${one}"`,
    `${NAME}=${one}x`,
    `x${NAME}=${one}`,
    `${NAME.toUpperCase()}=${one}`,
    `${NAME}=${VALUE}+`,
  ])
    t.same(cookieValues(header, NAME), [], header);
  t.same(cookieValues(`${NAME}=${one}; ${NAME}=${two}`, NAME), [one, two], "another server may have set one, too");
  const many = Array.from({ length: 50 }, () => `${NAME}=${one}`).join("; ");
  t.equal(cookieValues(many, NAME).length, SESSION_COOKIES_TRIED_MAX, "a few");
  t.end();
});

t.test("a cookie is for pages of this host only, and not for scripts", (t) => {
  t.equal(keepCookie(NAME, "v", false), `${NAME}=v; Path=/; HttpOnly; SameSite=Strict; Max-Age=43200`);
  t.equal(keepCookie(NAME, "v", true), `${NAME}=v; Path=/; HttpOnly; SameSite=Strict; Max-Age=43200; Secure`);
  t.equal(clearCookie(NAME), `${NAME}=; Path=/; HttpOnly; SameSite=Strict; Max-Age=0`);
  t.end();
});
