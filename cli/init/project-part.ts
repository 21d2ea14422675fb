/**
 * Adds to `.koor/project.json` the members that `init` sets. It does not change the other members, which belong to the
 * project. Pure; runs in the CLI process.
 */
import { CliFailure } from "../failure.js";
import { removeAt, setMember } from "../json-edit.js";
import { hasTwice, readObject, startOf } from "./json-text-part.js";
import type { Part } from "./part.js";

const MEMBERS = ["workspace", "server", "policy"] as const;

export type ProjectMembers = Readonly<Partial<Record<(typeof MEMBERS)[number], string>>>;

/** @param name the name of the file, as messages to the user show it */
export function projectPart(name: string, members: ProjectMembers): Part {
  return {
    put: (text) => {
      const file = readObject(text, name);
      if (file instanceof CliFailure) return file;
      let edited = text;
      for (const member of MEMBERS) {
        const value = members[member];
        if (value === undefined || file[member] === value) continue;
        const next = setMember(startOf(edited), [member], value);
        if (next === undefined) return hasTwice(name, member);
        edited = next;
      }
      return edited;
    },
    take: (text, kept) => {
      const file = readObject(text, name);
      if (file instanceof CliFailure) return file;
      let edited = text;
      for (const member of MEMBERS) {
        if (file[member] === undefined || kept.has(member)) continue;
        const next = removeAt(edited, [member]);
        if (next === undefined) return hasTwice(name, member);
        edited = next;
      }
      return edited;
    },
    containers: (text) => {
      const file = readObject(text, name);
      return file instanceof CliFailure ? [] : MEMBERS.filter((member) => file[member] !== undefined);
    },
  };
}
