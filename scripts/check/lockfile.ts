/** Checks that package-lock.json installs the same on any machine, from whatever registry that has. */

interface Entry {
  readonly version?: string;
  readonly resolved?: string;
  readonly integrity?: string;
  readonly link?: boolean;
  readonly dev?: boolean;
  readonly optional?: boolean;
  readonly os?: unknown;
  readonly cpu?: unknown;
}

/** A tool's package for one platform: a registry that lacks it knows no digest, and npm wants it in the lockfile still. */
function isToolElsewhere({ dev, optional, os, cpu }: Entry): boolean {
  return dev === true && optional === true && (os !== undefined || cpu !== undefined);
}

export function findLockfileFaults(text: string): string[] {
  const { packages } = JSON.parse(text) as { packages: Record<string, Entry> };
  return Object.entries(packages)
    .filter(([path, { link }]) => path.includes('node_modules/') && !link)
    .flatMap(([path, entry]) => [
      ...(entry.resolved === undefined
        ? []
        : [`${path}: names an address (${new URL(entry.resolved).host})`]),
      ...(entry.integrity === undefined && !isToolElsewhere(entry)
        ? [`${path}: has no integrity, so anything would be installed`]
        : []),
    ]);
}
