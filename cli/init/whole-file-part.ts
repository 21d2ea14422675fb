/** Adds and removes a file that consists only of Koor's content, such as a plugin. Pure; runs in the CLI process. */
import { refused } from "../failure.js";
import type { Part } from "./part.js";

/** The text in a file that marks it as Koor's. */
export const FILE_MARK = "Written by koor init";

/** @param name the name of the file, as messages to the user show it */
export function wholeFilePart(name: string, content: string): Part {
  return {
    put: (text) =>
      text === "" || text.includes(FILE_MARK) ? content : refused(`${name} is not Koor's, and stays as it is`),
    take: (text) => (text.includes(FILE_MARK) ? "" : text),
    containers: () => [],
  };
}
