/** What is shown where there is nothing yet: what would be here, and the command that brings it. */
import type { ComponentChildren } from "preact";
import { CopyButton } from "./button.js";

interface EmptyProps {
  readonly title: string;
  readonly children?: ComponentChildren;
  /** A command of the shell. */
  readonly command?: string;
}

export function Empty({ title, children, command }: EmptyProps) {
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
