/** The login form, shown if the server requires a token. It accepts the server's token or an instance's. */
import { useSignal } from "@preact/signals";
import { useEffect, useRef } from "preact/hooks";
import { reasonOf } from "../api/client.js";
import { Notice } from "../parts/notice.js";
import { Logo } from "./logo.js";
import { logIn, sessionEnded } from "../api/session.js";

export function Login() {
  const token = useSignal("");
  const failure = useSignal("");
  const busy = useSignal(false);
  const field = useRef<HTMLInputElement>(null);
  useEffect(() => {
    document.title = "Log in · Koor";
    field.current?.focus();
  }, []);
  const submit = async (event: SubmitEvent): Promise<void> => {
    event.preventDefault();
    busy.value = true;
    failure.value = "";
    try {
      await logIn(token.value.trim());
    } catch (error) {
      failure.value = reasonOf(error);
      token.value = "";
      field.current?.focus();
    } finally {
      busy.value = false;
    }
  };
  return (
    <main class="centered">
      <form class="login" onSubmit={(event) => void submit(event)}>
        <h1>
          <Logo /> Koor
        </h1>
        {sessionEnded.value && <Notice>The session has ended: log in again.</Notice>}
        <label for="token">Token</label>
        <input
          id="token"
          ref={field}
          type="password"
          autocomplete="current-password"
          required
          value={token.value}
          aria-describedby="token-hint"
          aria-invalid={failure.value !== ""}
          onInput={({ currentTarget }) => {
            token.value = currentTarget.value;
          }}
        />
        <p id="token-hint" class="hint">
          The server's token is the value of <code>--auth-token</code> at its start. With an agent's own token you see
          everything but messages, and may do what that agent may.
        </p>
        {failure.value !== "" && (
          <p role="alert" class="failure">
            {failure.value}
          </p>
        )}
        <button type="submit" class="button button-primary" disabled={busy.value}>
          Log in
        </button>
      </form>
    </main>
  );
}
