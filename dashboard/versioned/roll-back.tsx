/** The dialog that confirms a rollback. It shows the changes that the rollback would make. */
import { send } from "../api/client.js";
import { query } from "../base/path.js";
import { attempt } from "../parts/toasts.js";
import { Confirm } from "../parts/dialog.js";
import { VersionDiff } from "./compare.js";
import type { Named, Space } from "./space.js";

interface RollBackProps {
  readonly space: Space;
  readonly named: Named;
  readonly to: number;
  /** The version that is current before the rollback; null if the key or spec was deleted. */
  readonly current: number | null;
  readonly onClose: () => void;
}

export function RollBack({ space, named, to, current, onClose }: RollBackProps) {
  const rollBack = (): Promise<boolean> =>
    attempt(
      // The rollback has the condition `if_version`, so it fails if another version was written in the meantime.
      () => send("POST", named.api + query({ rollback: to, if_version: current ?? 0 })),
      `${named.name} rolled back to version ${to}`,
    );
  return (
    <Confirm title={`Roll back to version ${to}?`} action="Roll back" wide onConfirm={rollBack} onClose={onClose}>
      <p>
        The value of version {to} becomes a new version of <code>{named.name}</code>. No version is lost.
      </p>
      {current !== null && (
        <p class="roll-back-sides">
          <span>now: version {current}</span>
          <span>after: version {to}</span>
        </p>
      )}
      {current !== null && <VersionDiff space={space} named={named} before={current} after={to} />}
    </Confirm>
  );
}
