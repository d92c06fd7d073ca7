/** The commands of the README and of the guide for beginners work as they are printed. */
import assert from 'node:assert/strict';
import { readFile, symlink } from 'node:fs/promises';
import path from 'node:path';
import { it } from 'node:test';
import { type DebianPackage, walk } from './support/packages.ts';
import { ourselves, type Person } from './support/person.ts';
import { assertSame, rescueCdrom, rescueFloppy } from './support/real-images.ts';
import { attempt } from './support/run.ts';
import { startWalkServer } from './support/walk-server.ts';

const project = path.resolve(import.meta.dirname, '../..');
const documents = ['README.md', 'docs/getting-started.md'];
const packages: DebianPackage[] = [
  'curl',
  'grub-rescue-pc',
  'python3-glanceclient',
  'python3-openstackclient',
  'qemu-utils',
];
/** What a reader does who is told `ID=…`. */
const readId = 'ID=$(npx tintype --quiet image list --name floppy)';

/** The commands in a document, as one script: its blocks in no language, without what starts the server and the tests. */
async function scriptOf(document: string, port: number): Promise<string> {
  const text = await readFile(path.join(project, document), 'utf8');
  const blocks = [...text.matchAll(/^```(\w*)\n(.*?)^```$/gms)];
  const lines = blocks.filter(([, language]) => language === '').flatMap(([, , block]) => block!.split('\n'));
  return lines
    .filter((line) => !/^npm (start|test)\b/.test(line))
    .map((line) => line.replaceAll('127.0.0.1:9292', `127.0.0.1:${port}`).replace(/^ID=….*/, readId))
    .join('\n');
}

/** What looks like a clone in which nothing was done yet. */
async function freshClone(person: Person): Promise<Person> {
  const clone = await person.makeFolder('clone');
  for (const name of ['node_modules', 'package.json', 'package-lock.json', 'packages', 'scripts'])
    await symlink(path.join(project, name), path.join(clone, name));
  return { ...person, project: clone };
}

async function follow(document: string, person: Person): Promise<void> {
  const home = await person.makeFolder('home');
  const dataDir = path.join(person.project, 'tintype-data');
  const server = await startWalkServer({ command: ['npm', 'start', '--'], dataDir, mode: 'tokens', person });
  try {
    const script = await scriptOf(document, server.port);
    assert.match(script, /npx tintype image create/);
    const env = { ...person.env, HOME: home, TINTYPE_ENDPOINT: server.url };
    const shell = ['bash', '-euo', 'pipefail', '-x', '-c', script];
    const { code, stdout, stderr } = await attempt(shell, { cwd: person.project, env });
    assert.equal(code, 0, `${stdout}${stderr}`);
    await assertSame(path.join(person.project, 'rescue.iso'), rescueCdrom);
    await assertSame(path.join(person.project, 'floppy.img'), rescueFloppy);
  } finally {
    await server.stop();
  }
}

walk('documents', packages, () => {
  for (const document of documents)
    it(`${document} can be followed word for word`, async () => {
      const person = await ourselves();
      try {
        await follow(document, await freshClone(person));
      } finally {
        await person.leave();
      }
    });
});
