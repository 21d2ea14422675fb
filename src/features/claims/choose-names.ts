/** Chooses one name of each group, so that no two groups get the same name. Pure. */

/**
 * Chooses a name for each group, or returns null if there are too few names. If several choices are possible, earlier
 * names of the first group are preferred, then those of the second group, and so on.
 */
export function chooseNames(groups: readonly (readonly string[])[]): string[] | null {
  // The other groups take at most one name each, so `groups.length` names of a group are enough.
  const open = groups.map((group) => group.slice(0, groups.length));
  if (!canChoose(open)) return null;
  const chosen: string[] = [];
  for (const [at, group] of open.entries()) {
    const rest = open.slice(at + 1);
    const name = group.find((one) => !chosen.includes(one) && canChoose(without(rest, [...chosen, one])));
    if (name === undefined) return null;
    chosen.push(name);
  }
  return chosen;
}

function without(groups: readonly (readonly string[])[], names: readonly string[]): string[][] {
  return groups.map((group) => group.filter((name) => !names.includes(name)));
}

/** Returns whether each group can get a name of its own. */
function canChoose(groups: readonly (readonly string[])[]): boolean {
  const owners = new Map<string, number>();
  /** Gives a name to a group. If another group owns the name, that group has to get another name. */
  const give = (group: number, tried: Set<string>): boolean => {
    for (const name of groups[group] ?? []) {
      if (tried.has(name)) continue;
      tried.add(name);
      const owner = owners.get(name);
      if (owner !== undefined && !give(owner, tried)) continue;
      owners.set(name, group);
      return true;
    }
    return false;
  };
  return groups.every((_group, at) => give(at, new Set()));
}
