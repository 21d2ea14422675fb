/** The view of specs, ordered by project, with their versions. */
import { SpaceView } from "../../versioned/space-view.js";
import type { ViewProps } from "../../base/view-props.js";
import { SPECS } from "./loader.js";

export function View(props: ViewProps) {
  return <SpaceView {...props} space={SPECS} />;
}
