/** Checks that package-lock.json installs the same on any machine, from whatever registry that has. */

interface Entry {
  readonly version?: string;
  readonly resolved?: string;
  readonly integrity?: string;
  readonly link?: boolean;
  readonly dev?: boolean;
  readonly optional?: boolean;
  readonly os?: readonly string[];
}

/** A development tool's binary for a system that the lockfile's author does not have (complete-lockfile.mjs). */
function isForeign({ dev, optional, os }: Entry): boolean {
  return dev === true && optional === true && os !== undefined;
}

export function findLockfileFaults(text: string): string[] {
  const { packages } = JSON.parse(text) as { packages: Record<string, Entry> };
  return Object.entries(packages)
    .filter(([path, { link }]) => path.includes('node_modules/') && !link)
    .flatMap(([path, entry]) => {
      const { resolved, integrity } = entry;
      const address = resolved === undefined ? [] : [`${path}: names an address (${new URL(resolved).host})`];
      const isOpen = integrity === undefined && !isForeign(entry);
      return isOpen ? [...address, `${path}: has no integrity, so anything would be installed`] : address;
    });
}
