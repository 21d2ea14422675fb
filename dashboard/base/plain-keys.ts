/**
 * Whether keys that are a single letter or sign, such as `?` and `g`, are enabled. The user's choice is stored in the
 * browser.
 */
import { effect, signal } from "@preact/signals";

const STORED = "koor-plain-keys";
const OFF = "off";

export const plainKeys = signal(localStorage.getItem(STORED) !== OFF);

effect(() => {
  localStorage.setItem(STORED, plainKeys.value ? "on" : OFF);
});
