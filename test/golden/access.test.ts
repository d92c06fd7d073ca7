/** Who may do what: every route of the contract, as every persona, in every situation, against the golden file beside. */
import assert from 'node:assert/strict';
import { readFile, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { after, before, test } from 'node:test';
import { type Route, type RouteName, routes } from '../../packages/contract/src/index.ts';
import { until } from '../support/process.ts';
import { as, startServer, type TestServer } from '../support/server.ts';
import { loopbackPlaces, loopbackRules, startWebSource, type WebSource } from '../support/web-source.ts';

const golden = path.join(import.meta.dirname, 'access.txt');

/** Everybody belongs to the project `mine`. */
const personas = {
  nobody: {},
  reader: as('mine', 'reader'),
  member: as('mine', 'member'),
  admin: as('mine', 'admin'),
};
const operator = as('operator', 'admin');

/** What is acted upon: whose it is, and how open. */
const situations = {
  own: { owner: 'mine', visibility: 'shared' },
  private: { owner: 'other', visibility: 'private' },
  shared: { owner: 'other', visibility: 'shared' },
  community: { owner: 'other', visibility: 'community' },
  public: { owner: 'other', visibility: 'public' },
} as const;
type Situation = (typeof situations)[keyof typeof situations];

const definition = { name: 'new', title: 'New', type: 'string' };
const bodies: Partial<Record<RouteName, unknown>> = {
  createImage: { name: 'new' },
  changeImage: [{ op: 'replace', path: '/name', value: 'new' }],
  addLocation: { url: 'https://one.example/image' },
  importImage: { method: { name: 'glance-direct' } },
  createTask: {
    type: 'import',
    input: { import_from: 'http://source.invalid/', import_from_format: 'raw', image_properties: {} },
  },
  failImage: { message: 'No data will come.' },
  addMember: { member: 'third' },
  answerMember: { status: 'accepted' },
  createNamespace: { namespace: 'created' },
  replaceNamespace: { namespace: 'space' },
  addMetadefProperty: definition,
  replaceMetadefProperty: { ...definition, name: 'thing' },
  addMetadefObject: { name: 'new' },
  replaceMetadefObject: { name: 'thing' },
  setMetadefTags: { tags: [{ name: 'new' }] },
  replaceMetadefTag: { name: 'thing' },
  addAssociation: { name: 'new' },
};

let server: TestServer;
/** Has nothing, and as another region takes no token. */
let source: WebSource;
before(async () => {
  source = await startWebSource(({ url }, response) =>
    response.writeHead(url?.startsWith('/v2/') ? 401 : 404).end(),
  );
  bodies.createImageImport = { location: `${source.url}/none`, image_properties: { disk_format: 'raw' } };
  server = await startServer({
    import: { ...loopbackRules, regions: [{ name: 'far', endpoint: source.url }] },
    export: loopbackPlaces,
    stores: [
      { id: 'local', type: 'file' },
      { id: 'second', type: 'file' },
    ],
    cache: { enabled: true },
  });
  const clone = { image_ref: await prepareImage('createImageClone', situations.own), region: 'far' };
  bodies.createImageClone = clone;
  bodies.createImageAction = { action_type: 'clone', ...clone };
});
after(async () => {
  await server?.close();
  await source?.close();
});

async function send(
  who: object,
  method: string,
  target: string,
  body?: unknown,
  type?: string,
): Promise<Response> {
  const isData = typeof body === 'string';
  const answer = await fetch(`${server.url}${target}`, {
    method,
    headers: { ...who, ...(body === undefined ? {} : { 'Content-Type': type ?? 'application/json' }) },
    body: body === undefined ? undefined : isData ? body : JSON.stringify(body),
  });
  return answer;
}

async function made(answer: Promise<Response>): Promise<{ id: string }> {
  const { ok, status } = await answer;
  assert.ok(ok, `preparing failed with ${status}`);
  const text = await (await answer).text();
  return text === '' ? { id: '' } : JSON.parse(text);
}

/** An active image, except for routes that need it otherwise; shared with `mine` where it is shared. */
async function prepareImage(name: RouteName, { owner, visibility }: Situation): Promise<string> {
  const fields = { owner, visibility, disk_format: 'raw', container_format: 'bare', tags: ['thing'] };
  const { id } = await made(send(operator, 'POST', '/v2/images', fields));
  const data = name === 'importImage' ? 'stage' : 'file';
  if (!['uploadData', 'stageData', 'addLocation', 'failImage'].includes(name))
    await made(send(operator, 'PUT', `/v2/images/${id}/${data}`, 'bytes', 'application/octet-stream'));
  if (name === 'uncacheImage') await made(send(operator, 'PUT', `/v2/cache/${id}`));
  if (name === 'reactivateImage') await made(send(operator, 'POST', `/v2/images/${id}/actions/deactivate`));
  if (visibility === 'shared')
    await made(
      send(operator, 'POST', `/v2/images/${id}/members`, { member: owner === 'mine' ? 'friend' : 'mine' }),
    );
  return id;
}

async function prepareTask(): Promise<string> {
  const image = await prepareImage('listTasks', situations.own);
  const answer = await send(operator, 'GET', `/v2/images/${image}/tasks`);
  const { tasks } = (await answer.json()) as { tasks: { id: string }[] };
  return tasks[0]!.id;
}

async function actionOf(route: string) {
  if (route.startsWith('/v2/image-clones'))
    return { collection: '/v2/image-clones', body: bodies.createImageClone };
  if (route.startsWith('/v2/image-exports'))
    return {
      collection: '/v2/image-exports',
      body: exportOf(await prepareImage('showImage', situations.own)),
    };
  return { collection: '/v2/image-imports', body: bodies.createImageImport };
}

/** Of the project `mine`; its source or its place is never there. */
async function prepareAction({ path: route }: Route): Promise<string> {
  const { collection, body } = await actionOf(route);
  const { id } = await made(send(as('mine', 'member'), 'POST', collection, body));
  await until('its failure', async () => {
    const answer = await send(operator, 'GET', `${collection}/${id}`);
    return ((await answer.json()) as { status: string }).status === 'failure';
  });
  return id;
}

function exportOf(image: string): object {
  return { image_ref: image, location: `${source.url}/none` };
}

async function prepareNamespace({ owner, visibility }: Situation): Promise<void> {
  await made(
    send(operator, 'POST', '/v2/metadefs/namespaces', {
      namespace: 'space',
      owner,
      visibility: visibility === 'public' ? 'public' : 'private',
      properties: { thing: { title: 'Thing', type: 'string' } },
      objects: [{ name: 'thing' }],
      tags: [{ name: 'thing' }],
      resource_type_associations: [{ name: 'thing' }],
    }),
  );
}

async function statusOf(name: RouteName, route: Route, who: object, situation: Situation): Promise<number> {
  const isNamespace = route.path.includes(':namespace');
  const id = isOfImage(name) ? await prepareImage(name, situation) : '';
  if (isNamespace) await prepareNamespace(situation);
  const task = route.path.includes(':task_id') ? await prepareTask() : '';
  const action = route.path.includes(':action_id') ? await prepareAction(route) : '';
  const target = route.path
    .replace(':image_id', id)
    .replace(':store_id', 'local')
    .replace(':task_id', task)
    .replace(':action_id', action)
    .replace(':namespace', 'space')
    .replace(':member_id', situation.owner === 'mine' ? 'friend' : 'mine')
    .replace(':tag', 'thing')
    .replace(':name', name === 'addMetadefTag' ? 'new' : 'thing');
  const document = name === 'createImageExport' ? exportOf(id) : bodies[name];
  const body = route.body === 'data' ? 'bytes' : document;
  const type = route.body === 'data' ? 'application/octet-stream' : route.consumes?.[0];
  const { status } = await send(who, route.method, target, body, type);
  if (isNamespace || name === 'createNamespace')
    for (const space of ['space', 'created'])
      await send(operator, 'DELETE', `/v2/metadefs/namespaces/${space}`);
  return status;
}

async function row(name: RouteName, route: Route, label: string, situation: Situation): Promise<string> {
  const cells: string[] = [];
  for (const who of Object.values(personas)) cells.push(String(await statusOf(name, route, who, situation)));
  return [name.padEnd(24), label.padEnd(10), ...cells.map((cell) => cell.padEnd(8))].join('').trimEnd();
}

/** In its path, or in its body. */
function isOfImage(name: RouteName): boolean {
  return routes[name].path.includes(':image_id') || name === 'createImageExport';
}

/** Situations tell apart only what has an owner; a namespace is either private or public. */
function situationsOf(name: RouteName, route: Route): [string, Situation][] {
  const all = Object.entries(situations);
  if (isOfImage(name)) return all;
  if (route.path.includes(':namespace')) return all.filter(([label]) => /own|private|public/.test(label));
  return [['-', situations.own]];
}

test('every route answers every persona as the golden file says', async () => {
  const head = ['route'.padEnd(24), 'of'.padEnd(10), ...Object.keys(personas).map((name) => name.padEnd(8))];
  const lines = [head.join('').trimEnd()];
  for (const [name, route] of Object.entries(routes) as [RouteName, Route][])
    for (const [label, situation] of situationsOf(name, route))
      lines.push(await row(name, route, label, situation));
  const found = `${lines.join('\n')}\n`;
  if (process.env.UPDATE_GOLDEN === '1') await writeFile(golden, found);
  assert.equal(found, await readFile(golden, 'utf8'), 'run with UPDATE_GOLDEN=1 to write the file again');
});
