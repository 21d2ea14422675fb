/** Shows an empty state: what will be listed here, and the command that creates the first item. */
import type { ComponentChildren } from "preact";
import { session } from "../api/session.js";
import { CopyButton } from "./button.js";

interface EmptyProps {
  readonly title: string;
  readonly children?: ComponentChildren;
  /** A shell command that creates the first item. */
  readonly command?: string;
}

/** Adds this server's address to a command. If the server requires a token, also adds the token to a curl command. */
export function addressed(command: string): string {
  return command
    .replaceAll("koor-cli ", `KOOR_SERVER=${location.origin} koor-cli `)
    .replace(
      "curl ",
      `curl${session.value?.auth === true ? ' -H "Authorization: Bearer $KOOR_TOKEN"' : ""} ${location.origin}`,
    );
}

export function Empty({ title, children, command: bare }: EmptyProps) {
  const command = bare === undefined ? undefined : addressed(bare);
  return (
    <div class="empty">
      <p class="empty-title">{title}</p>
      {children !== undefined && <p>{children}</p>}
      {command !== undefined && (
        <div class="command">
          <code>{command}</code>
          <CopyButton text={command} what="the command" />
        </div>
      )}
    </div>
  );
}
