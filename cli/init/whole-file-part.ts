/** A part that is a whole file of Koor, such as a plugin. Pure; runs in the CLI process. */
import { refused } from "../failure.js";
import type { Part } from "./part.js";

/** The text that marks a file as Koor's. */
export const FILE_MARK = "Written by koor init";

/** @param name the file's name in messages */
export function wholeFilePart(name: string, content: string): Part {
  return {
    put: (text) =>
      text === "" || text.includes(FILE_MARK) ? content : refused(`${name} is not Koor's, and stays as it is`),
    take: (text) => (text.includes(FILE_MARK) ? "" : text),
    containers: () => [],
  };
}
