/** The `glance` command as Debian ships it walks through metadata definitions, which it holds to our schemas. */
import assert from 'node:assert/strict';
import { writeFile } from 'node:fs/promises';
import path from 'node:path';
import { after, before, it } from 'node:test';
import { walk } from './support/packages.ts';
import { refused, run } from './support/run.ts';
import { openStockServer, type StockServer } from './support/stock-server.ts';
import { readPairs, readTable } from './support/table.ts';

walk('the glance command on metadata definitions', ['python3-glanceclient'], () => {
  let stock: StockServer;
  before(async () => {
    stock = await openStockServer('tokens');
  });
  after(() => stock?.close());
  const words = (command: string, args: string[]) => {
    const { url, token } = stock.server;
    return ['glance', '--os-image-url', url, '--os-auth-token', token, `md-${command}`, ...args];
  };
  const md = (command: string, ...args: string[]) => run(words(command, args), { env: stock.env });
  const fails = (command: string, ...args: string[]) => refused(words(command, args), { env: stock.env });
  const first = async (command: string, ...args: string[]) =>
    readTable(await md(command, ...args)).map(([cell]) => cell);

  it('makes a namespace, fills it, renames in it, and takes it away again', async () => {
    const made = readPairs(await md('namespace-create', 'Hw::Nic', '--display-name', 'NIC'));
    assert.deepEqual([made.namespace, made.visibility, made.protected], ['Hw::Nic', 'private', 'False']);
    await md('resource-type-associate', '--name', 'OS::Nova::Server', '--prefix', 'hw_', 'Hw::Nic');
    const queues = '{"type": "integer", "default": 4, "minimum": 1}';
    await md('property-create', 'Hw::Nic', '--name', 'queues', '--title', 'Queues', '--schema', queues);
    const flow = '{"description": "Flow", "properties": {"pause": {"title": "Pause", "type": "boolean"}}}';
    await md('object-create', 'Hw::Nic', '--name', 'flow', '--schema', flow);
    await md('tag-create', 'Hw::Nic', '--name', 'fast');
    await md('tag-create-multiple', 'Hw::Nic', '--names', 'fast,slow');

    assert.deepEqual(await first('resource-type-list'), ['OS::Nova::Server']);
    assert.deepEqual(await first('namespace-resource-type-list', 'Hw::Nic'), ['OS::Nova::Server']);
    const shown = readPairs(await md('namespace-show', 'Hw::Nic', '--resource-type', 'OS::Nova::Server'));
    assert.deepEqual([shown.properties, shown.objects], ['["hw_queues"]', '["flow"]']);
    assert.equal(readPairs(await md('property-show', 'Hw::Nic', 'queues')).default, '4');
    assert.equal(readPairs(await md('object-property-show', 'Hw::Nic', 'flow', 'pause')).type, 'boolean');

    await md('property-update', 'Hw::Nic', 'queues', '--name', 'lanes', '--title', 'Lanes');
    assert.deepEqual(await first('property-list', 'Hw::Nic'), ['lanes']);
    await md('object-update', 'Hw::Nic', 'flow', '--name', 'control');
    assert.deepEqual(await first('object-list', 'Hw::Nic'), ['control']);
    await md('tag-update', 'Hw::Nic', 'slow', '--name', 'idle');
    assert.deepEqual((await first('tag-list', 'Hw::Nic')).sort(), ['fast', 'idle']);

    await md('namespace-update', 'Hw::Nic', '--protected', 'True', '--visibility', 'public');
    assert.match(await fails('namespace-delete', 'Hw::Nic'), /protected/);
    await md('namespace-update', 'Hw::Nic', '--protected', 'False');
    assert.equal(readPairs(await md('namespace-show', 'Hw::Nic')).objects, '["control"]');
    await md('namespace-objects-delete', 'Hw::Nic');
    await md('namespace-properties-delete', 'Hw::Nic');
    await md('namespace-tags-delete', 'Hw::Nic');
    await md('resource-type-deassociate', 'Hw::Nic', 'OS::Nova::Server');
    const emptied = readPairs(await md('namespace-show', 'Hw::Nic'));
    assert.deepEqual([emptied.objects, emptied.properties, emptied.tags], Array(3).fill(undefined));
    await md('namespace-delete', 'Hw::Nic');
    assert.match(await fails('namespace-show', 'Hw::Nic'), /No namespace found with name Hw::Nic/);
  });

  it('imports a file, lists page by page, and finds by resource type', async () => {
    const file = path.join(stock.folder, 'disk.json');
    const disk = {
      namespace: 'Hw::Disk',
      visibility: 'public',
      resource_type_associations: [{ name: 'OS::Glance::Image', prefix: 'hw_' }],
      properties: { bus: { title: 'Bus', type: 'string', enum: ['scsi', 'virtio'] } },
      tags: [{ name: 'block' }],
    };
    await writeFile(file, JSON.stringify(disk));
    await md('namespace-import', '--file', file);
    assert.match(await fails('namespace-import', '--file', file), /Hw::Disk already/);
    for (const name of ['A', 'B', 'C']) await md('namespace-create', name);
    assert.deepEqual(await first('namespace-list', '--page-size', '2'), ['C', 'B', 'A', 'Hw::Disk']);
    assert.deepEqual(await first('namespace-list', '--resource-types', 'OS::Glance::Image'), ['Hw::Disk']);
    assert.deepEqual(await first('namespace-list', '--visibility', 'private'), ['C', 'B', 'A']);
  });
});
