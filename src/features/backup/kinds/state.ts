/** Records of kind `state`. */
import { hasControlCharacter } from "../../../../schemas/visible-text.js";
import { STATE } from "../../versioned/space.js";
import { versionKind } from "./versions.js";

export const STATE_KIND = versionKind({
  space: STATE,
  reader: ({ state }) => state,
  keyOf: ({ key }) => (typeof key === "string" && key !== "" && !hasControlCharacter(key) ? key : undefined),
});
