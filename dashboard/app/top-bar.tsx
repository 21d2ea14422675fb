/** The bar above every view: menu button, connection state, palette, theme and logout. */
import type { Signal } from "@preact/signals";
import type { LinkState } from "../../shared/reconnect.js";
import { feedState } from "../api/changes.js";
import { Icon } from "../parts/icon.js";
import { Logo } from "./logo.js";
import { openPalette } from "./palette.js";
import { logOut, session } from "../api/session.js";
import { nextTheme, theme } from "../base/theme.js";
import { attempt } from "../parts/toasts.js";

const CONNECTION: Readonly<Record<LinkState, string>> = {
  off: "paused",
  connecting: "connecting",
  live: "live",
  reconnecting: "reconnecting",
};

export function TopBar({ menuOpen }: { readonly menuOpen: Signal<boolean> }) {
  const now = session.value;
  const connection = feedState.value;
  return (
    <header class="top-bar">
      <button
        type="button"
        class="button menu-button"
        aria-expanded={menuOpen.value}
        aria-controls="menu"
        onClick={() => {
          menuOpen.value = !menuOpen.value;
        }}
      >
        <Icon name="menu" /> Menu
      </button>
      <a class="home" href="/">
        <Logo />
        <span>Koor</span>
      </a>
      <span class={`connection connection-${connection}`} role="status">
        {CONNECTION[connection]}
        {connection === "reconnecting" && <span class="connection-about">: data may be out of date</span>}
      </span>
      <span class="spring" />
      <button type="button" class="button palette-button" onClick={openPalette} aria-keyshortcuts="Control+K Meta+K">
        <Icon name="search" /> <span>Go to…</span> <kbd>Ctrl K</kbd>
      </button>
      <button type="button" class="button-bare" onClick={nextTheme} aria-label={`Theme: ${theme.value}`}>
        <Icon name={theme.value === "dark" ? "moon" : theme.value === "light" ? "sun" : "half"} />
      </button>
      {now?.auth === true && (
        <>
          <span class="who" title={now.role === "instance" ? `instance ${now.actor}` : "the server's token"}>
            {now.role === "instance" ? now.name : "operator"}
          </span>
          <button type="button" class="button" onClick={() => void attempt(logOut, "Logged out")}>
            Log out
          </button>
        </>
      )}
    </header>
  );
}
