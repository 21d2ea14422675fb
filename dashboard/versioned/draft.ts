/** The text of an editor, and whether it can be stored. Pure. */
import { isJson } from "../../shared/json-text.js";
import { bytes } from "../base/format.js";

/** A text with its content type, as an editor shows it. */
export interface Draft {
  readonly text: string;
  readonly contentType: string;
  /** The version from which the text was made; 0 if there was none. A save replaces this version and no other. */
  readonly version: number;
}

/** The content types that an editor offers besides that of the value. */
export const CONTENT_TYPES = ["application/json", "text/markdown", "text/plain", "application/yaml"];

export interface DraftCheck {
  readonly valid: boolean;
  /** The size of a valid text, or what is wrong. */
  readonly words: string;
}

/** Returns whether a text can be stored. A text of a JSON type must be JSON, which the server itself does not check. */
export function checkDraft({ text, contentType }: Pick<Draft, "text" | "contentType">): DraftCheck {
  if (text === "") return { valid: false, words: "A value cannot be empty." };
  const isOfJson = /json/i.test(contentType);
  if (isOfJson && !isJson(text)) return { valid: false, words: `This is not JSON: ${jsonProblem(text)}` };
  const size = bytes(new TextEncoder().encode(text).byteLength);
  return { valid: true, words: isOfJson ? `valid JSON, ${size}` : size };
}

function jsonProblem(text: string): string {
  try {
    JSON.parse(text);
  } catch (error) {
    if (error instanceof Error) return error.message;
  }
  return "it cannot be parsed";
}
