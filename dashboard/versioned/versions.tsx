/** Lists the versions of a key or spec, newest first. */
import { Agent } from "../parts/agent.js";
import { Badge } from "../parts/badge.js";
import { Button } from "../parts/button.js";
import { Time } from "../parts/time.js";
import type { Version } from "./space.js";

interface VersionsProps {
  readonly versions: readonly Version[];
  /** The current version; null if the key or spec was deleted. */
  readonly current: number | null;
  /** The version whose value is shown. */
  readonly shown: number | undefined;
  readonly onShow: (version: number) => void;
  readonly onRollBack: (version: number) => void;
}

const HASH_SHOWN = 10;

export function Versions({ versions, current, shown, onShow, onRollBack }: VersionsProps) {
  return (
    <ol class="versions">
      {versions.map(({ version, hash, updated_at, updated_by }, at) => (
        <li key={version} class={version === shown ? "version version-shown" : "version"}>
          <span class="version-name">
            <Button kind="quiet" onClick={() => onShow(version)} label={`Show version ${version}`}>
              {`version ${version}`}
            </Button>
            {version === current && <Badge tone="good">current</Badge>}
            {hash === versions[at + 1]?.hash && <Badge>same bytes as before</Badge>}
          </span>
          <span class="version-about">
            <Time at={updated_at} /> by <Agent id={updated_by} /> <code title={hash}>{hash.slice(0, HASH_SHOWN)}</code>
          </span>
          {version !== current && (
            <Button kind="quiet" onClick={() => onRollBack(version)}>{`Roll back to version ${version}`}</Button>
          )}
        </li>
      ))}
    </ol>
  );
}
