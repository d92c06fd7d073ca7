/** Checks that package-lock.json installs the same on any machine, from whatever registry that has. */

interface Entry {
  readonly version?: string;
  readonly resolved?: string;
  readonly integrity?: string;
  readonly link?: boolean;
}

export function findLockfileFaults(text: string): string[] {
  const { packages } = JSON.parse(text) as { packages: Record<string, Entry> };
  return Object.entries(packages)
    .filter(([path, { link }]) => path.includes('node_modules/') && !link)
    .flatMap(([path, { resolved, integrity }]) => [
      ...(resolved === undefined ? [] : [`${path}: names an address (${new URL(resolved).host})`]),
      ...(integrity === undefined ? [`${path}: has no integrity, so anything would be installed`] : []),
    ]);
}
