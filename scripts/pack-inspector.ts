/** `npm run pack:inspector [-- FOLDER]`: writes @tintype/inspector as it is published, for `npm publish FOLDER`. */
import { dirname, join } from 'node:path';
import { parseArgs } from 'node:util';
import { packInspector } from './pack/inspector.ts';

const { positionals } = parseArgs({ allowPositionals: true });
const [folder = join(dirname(import.meta.dirname), 'dist/inspector')] = positionals;
packInspector(folder);
console.log(`wrote ${folder}`);
