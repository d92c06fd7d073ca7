/** Names of files in archives. */

/** Whether unpacking under this name could write outside the folder that it is unpacked into. */
export function reachesOut(name: string): boolean {
  return /^[/\\]|^[a-z]:|(^|[/\\])\.\.([/\\]|$)/i.test(name);
}

/** A file of this folder: no path, no address, nothing that a terminal or a shell takes otherwise. */
export function isPlainName(name: string): boolean {
  return name !== '' && name !== '.' && name !== '..' && !/[/\\:\p{Cc}]/u.test(name);
}

/** Without the `./` that some programs put before every name. */
export function bareName(name: string): string {
  return name.replace(/^(\.\/)+/, '');
}
