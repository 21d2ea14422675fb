/** The confirmation of a rollback, with the changes that it makes. */
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
  /** The version before the rollback; null if the key or spec was deleted. */
  readonly current: number | null;
  readonly onClose: () => void;
}

export function RollBack({ space, named, to, current, onClose }: RollBackProps) {
  const rollBack = (): Promise<boolean> =>
    attempt(
      // `if_version` makes the rollback fail if another version was written meanwhile.
      () => send("POST", named.api + query({ rollback: to, if_version: current ?? 0 })),
      `${named.name} rolled back to version ${to}`,
    );
  return (
    <Confirm title={`Roll back to version ${to}?`} action="Roll back" onConfirm={rollBack} onClose={onClose}>
      <p>
        The value of version {to} becomes a new version of <code>{named.name}</code>. No version is lost.
      </p>
      {current !== null && <VersionDiff space={space} named={named} before={current} after={to} />}
    </Confirm>
  );
}
