/** The text files of the repository as they are on disk, whether git knows them yet or not. */
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';

export interface TextFile {
  /** Relative to the repository. */
  readonly path: string;
  readonly text: string;
}

/** What .gitignore names, and git itself. */
const skipped = /^(\.git|node_modules|tintype-data|coverage|\.install-lock)$|\.log$/;

export function readTextFiles(root: string, folder = ''): TextFile[] {
  return readdirSync(join(root, folder), { withFileTypes: true })
    .filter(({ name }) => !skipped.test(name))
    .flatMap((entry) => {
      const path = join(folder, entry.name);
      if (entry.isDirectory()) return readTextFiles(root, path);
      if (!entry.isFile()) return [];
      const text = readFileSync(join(root, path), 'utf8');
      return text.includes('\0') ? [] : [{ path, text }];
    });
}
