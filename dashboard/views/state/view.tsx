/** The view of state: the shared keys as a tree, with their values and versions. */
import { SpaceView } from "../../versioned/space-view.js";
import type { ViewProps } from "../../base/view-props.js";
import { STATE } from "./loader.js";

export function View(props: ViewProps) {
  return <SpaceView {...props} space={STATE} />;
}
