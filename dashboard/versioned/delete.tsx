/** The dialog that confirms a deletion. */
import { send } from "../api/client.js";
import { query } from "../base/path.js";
import { Confirm } from "../parts/dialog.js";
import { attempt } from "../parts/toasts.js";
import type { Named, Space } from "./space.js";

interface DeleteProps {
  readonly space: Space;
  readonly named: Named;
  /** The current version. Only this version is deleted. */
  readonly version: number;
  readonly onClose: () => void;
}

export function Delete({ space, named, version, onClose }: DeleteProps) {
  const remove = (): Promise<boolean> =>
    attempt(() => send("DELETE", named.api + query({ if_version: version })), `${named.name} deleted`);
  return (
    <Confirm title={`Delete this ${space.one}?`} action="Delete" danger onConfirm={remove} onClose={onClose}>
      <p>
        The versions of <code>{named.name}</code> remain, and each can be restored.
      </p>
    </Confirm>
  );
}
