/** The commands of the README and of the guides, and their programs, work as they are printed. */
import assert from 'node:assert/strict';
import { readFile, symlink, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { it } from 'node:test';
import { type DebianPackage, walk } from './support/packages.ts';
import { ourselves, type Person } from './support/person.ts';
import { assertSame, rescueCdrom, rescueFloppy } from './support/real-images.ts';
import { attempt } from './support/run.ts';
import { startWalkServer } from './support/walk-server.ts';

const project = path.resolve(import.meta.dirname, '../..');
/** Each with what following it leaves in the folder. */
const documents = {
  'README.md': { 'rescue.iso': rescueCdrom, 'floppy.img': rescueFloppy },
  'docs/getting-started.md': { 'rescue.iso': rescueCdrom, 'floppy.img': rescueFloppy },
  'docs/migrating-from-v1.md': { 'cdrom.iso': rescueCdrom },
} as const;
type Document = keyof typeof documents;
const packages: DebianPackage[] = [
  'curl',
  'grub-rescue-pc',
  'python3-glanceclient',
  'python3-openstackclient',
  'qemu-utils',
];
/** What a reader does who is told `ID=…`. */
const readId = 'ID=$(npx tintype --quiet image list --name floppy)';

/** The blocks of a document in one language, and on this port. */
async function blocksOf(document: Document, language: string, port: number): Promise<string[]> {
  const text = await readFile(path.join(project, document), 'utf8');
  return [...text.matchAll(/^```(\w*)\n(.*?)^```$/gms)]
    .filter(([, named]) => named === language)
    .map(([, , block]) => block!.replaceAll('127.0.0.1:9292', `127.0.0.1:${port}`));
}

/** The commands in a document, as one script: its blocks in no language, without what starts the server and the tests. */
async function scriptOf(document: Document, port: number): Promise<string> {
  const lines = (await blocksOf(document, '', port)).flatMap((block) => block.split('\n'));
  return lines
    .filter((line) => !/^npm (start|test)\b/.test(line))
    .map((line) => line.replace(/^ID=….*/, readId))
    .join('\n');
}

/** What looks like a clone in which nothing was done yet. */
async function freshClone(person: Person): Promise<Person> {
  const clone = await person.makeFolder('clone');
  for (const name of ['node_modules', 'package.json', 'package-lock.json', 'packages', 'scripts'])
    await symlink(path.join(project, name), path.join(clone, name));
  return { ...person, project: clone };
}

async function follow(document: Document, person: Person): Promise<void> {
  const home = await person.makeFolder('home');
  const dataDir = path.join(person.project, 'tintype-data');
  const server = await startWalkServer({ command: ['npm', 'start', '--'], dataDir, mode: 'tokens', person });
  const env = { ...person.env, HOME: home, TINTYPE_ENDPOINT: server.url, TOKEN: server.token };
  const succeed = async (words: string[]) => {
    const { code, stdout, stderr } = await attempt(words, { cwd: person.project, env });
    assert.equal(code, 0, `${stdout}${stderr}`);
  };
  try {
    const script = await scriptOf(document, server.port);
    assert.match(script, /npx tintype image create/);
    await succeed(['bash', '-euo', 'pipefail', '-x', '-c', script]);
    for (const [file, image] of Object.entries(documents[document]))
      await assertSame(path.join(person.project, file), image);
    const shown = await attempt(['npx', 'tintype', '--quiet', 'image', 'list'], { cwd: person.project, env });
    const given = { token: server.token, id: shown.stdout.toString().trim().split('\n')[0] };
    for (const program of await blocksOf(document, 'ts', server.port)) {
      // Where they come from is not what the documents show.
      const file = path.join(person.project, 'program.ts');
      await writeFile(file, `const { token, id } = ${JSON.stringify(given)};\n${program}`);
      await succeed([person.node, file]);
    }
  } finally {
    await server.stop();
  }
}

walk('documents', packages, () => {
  for (const document of Object.keys(documents) as Document[])
    it(`${document} can be followed word for word`, async () => {
      const person = await ourselves();
      try {
        await follow(document, await freshClone(person));
      } finally {
        await person.leave();
      }
    });
});
