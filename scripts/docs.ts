/** `npm run docs`: writes `docs/reference/` from the code; with `--check` only says what is not current. */
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { parseArgs } from 'node:util';
import { renderPages } from './docs/pages.ts';

const folder = join(dirname(import.meta.dirname), 'docs/reference');
const { values } = parseArgs({ options: { check: { type: 'boolean', default: false } } });

function read(path: string): string | undefined {
  try {
    return readFileSync(path, 'utf8');
  } catch {
    return undefined;
  }
}

mkdirSync(folder, { recursive: true });
for (const [name, text] of Object.entries(renderPages())) {
  const path = join(folder, name);
  if (read(path) === text) continue;
  if (values.check) {
    console.error(`docs/reference/${name} is not what the code says: run npm run docs`);
    process.exitCode = 1;
  } else {
    writeFileSync(path, text);
    console.log(`wrote docs/reference/${name}`);
  }
}
