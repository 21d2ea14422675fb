/** The text of an editor, and the check whether it can be stored. Pure. */
import { reasonOf } from "../api/client.js";
import { bytes } from "../base/format.js";

/** A text with its content type, as an editor shows it. */
export interface Draft {
  readonly text: string;
  readonly contentType: string;
  /** The version that the user has edited; 0 if there was none. A save replaces only this version. */
  readonly version: number;
}

/** The content types that an editor offers in addition to the value's own. */
export const CONTENT_TYPES = ["application/json", "text/markdown", "text/plain", "application/yaml"];

export interface DraftCheck {
  readonly valid: boolean;
  /** The size of a valid text. For an invalid text, the problem with it. */
  readonly words: string;
}

/**
 * Checks whether a text can be stored. If its content type is a JSON type, it must be JSON. The server itself does not
 * check that.
 */
export function checkDraft({ text, contentType }: Pick<Draft, "text" | "contentType">): DraftCheck {
  if (text === "") return { valid: false, words: "A value cannot be empty." };
  const size = bytes(new TextEncoder().encode(text).byteLength);
  if (!/json/i.test(contentType)) return { valid: true, words: size };
  try {
    JSON.parse(text);
    return { valid: true, words: `valid JSON, ${size}` };
  } catch (error) {
    return { valid: false, words: `This is not JSON: ${reasonOf(error)}` };
  }
}
