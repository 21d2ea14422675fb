/** The frame of the page around every view: login, menu, connection state, and the view that the address names. */
import { signal } from "@preact/signals";
import { LocationProvider, useLocation } from "preact-iso/router";
import type { ComponentChildren } from "preact";
import { useEffect, useErrorBoundary } from "preact/hooks";
import { reasonOf } from "../api/client.js";
import { storageFault } from "../api/health.js";
import { useResource } from "../api/resource.js";
import { Button } from "../parts/button.js";
import { Notice } from "../parts/notice.js";
import { AttentionWatch } from "../views/needs-me/watch.js";
import { VIEWS } from "../views.js";
import { parseAddress } from "../base/address.js";
import { Keys } from "./keys.js";
import { Login } from "./login.js";
import { Menu } from "./menu.js";
import { Palette } from "./palette.js";
import { session, unreachable } from "../api/session.js";
import { Toasts } from "../parts/toasts.js";
import { TopBar } from "./top-bar.js";

/** Matches links to views, which the page handles itself. The browser follows all other links. */
const PAGES = /^\/(?!api\/|metrics|openapi|docs)/;

export function App() {
  return (
    <LocationProvider scope={PAGES}>
      <Root />
      <Toasts />
    </LocationProvider>
  );
}

function Root() {
  const now = session.value;
  if (now === undefined) return unreachable.value ? <Unreachable /> : null;
  return now.logged_in ? <Layout /> : <Login />;
}

function Unreachable() {
  return (
    <main class="centered">
      <h1>Koor</h1>
      <p role="status">The server cannot be reached; retrying.</p>
    </main>
  );
}

/** Whether the menu is open. It matters only on a narrow page, where a button opens the menu. */
const menuOpen = signal(false);

function Layout() {
  const { path, query } = useLocation();
  const address = parseAddress(path);
  const view = address === null ? undefined : VIEWS.find(({ slug }) => slug === address.slug);
  useEffect(() => {
    menuOpen.value = false;
  }, [path]);
  return (
    <div class="layout">
      <a class="skip" href="#main">
        Skip to the content
      </a>
      <TopBar menuOpen={menuOpen} />
      <Menu current={view} open={menuOpen} />
      <main id="main" tabIndex={-1}>
        {session.value?.exposed === true && (
          <Notice tone="bad">
            Anyone who can reach this machine can read and change everything: start the server with --auth-token, or
            bind it to localhost.
          </Notice>
        )}
        <StorageNotice />
        {view === undefined || address === null ? (
          <NoSuchView />
        ) : (
          <ViewBoundary path={path}>
            <view.view key={view.slug} segments={address.segments} query={query} />
          </ViewBoundary>
        )}
      </main>
      <Palette />
      <Keys />
      <AttentionWatch />
    </div>
  );
}

function StorageNotice() {
  const reason = useResource(storageFault).data.value ?? "";
  return reason === "" ? null : <Notice tone="bad">Nothing can be stored: {reason}.</Notice>;
}

function NoSuchView() {
  useEffect(() => {
    document.title = "Not found · Koor";
  }, []);
  return (
    <>
      <h1>Not found</h1>
      <p>
        There is no view at this address. <a href="/">Go to Needs me.</a>
      </p>
    </>
  );
}

/** An error boundary around a view. If the view fails to render, the menu stays usable. */
function ViewBoundary({ path, children }: { readonly path: string; readonly children: ComponentChildren }) {
  const [error, forget] = useErrorBoundary(reportError) as [unknown, () => void];
  useEffect(() => {
    if (error !== undefined) forget();
  }, [path]);
  if (error === undefined) return <>{children}</>;
  return (
    <Notice tone="bad">
      This cannot be shown: {reasonOf(error)} <Button onClick={() => location.reload()}>Reload the page</Button>
    </Notice>
  );
}
