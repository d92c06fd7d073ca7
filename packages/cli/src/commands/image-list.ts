/** `tintype image list`: the images one may see. */
import type { Image, ImageQuery } from '@tintype/client';
import { type Command, Option } from 'commander';
import { formatBytes } from '../amounts.ts';
import { collect, collectProperty, formatOptions, visibilities, wholeNumber } from '../attributes.ts';
import { openCall } from '../call.ts';
import { printJson, printLine, printTable } from '../output.ts';

interface Options {
  name?: string;
  status?: string;
  diskFormat?: string;
  containerFormat?: string;
  owner?: string;
  visibility?: ImageQuery['visibility'];
  memberStatus?: ImageQuery['member_status'];
  tag?: string[];
  property?: Record<string, string>;
  hidden?: true;
  protected?: true;
  sort?: string;
  limit?: number;
  marker?: string;
  long?: true;
}

/** Images a request. */
const pageSize = 500;

export function addImageList(parent: Command): void {
  const { disk, container } = formatOptions();
  const visibility = new Option('--visibility <visibility>', 'only images that are so');
  const member = new Option(
    '--member-status <status>',
    'of images shared with you: those you decided so about',
  );
  parent
    .command('list')
    .description('list images; values of --name, --status and formats may be in:a,b')
    .option('--name <name>', 'only images of this name')
    .option('--status <status>', 'only images in this status')
    .option('--tag <tag>', 'only images with this tag (repeatable: with all of them)', collect)
    .option('--property <key=value>', 'only images with this property (repeatable)', collectProperty)
    .addOption(visibility.choices([...visibilities, 'all']))
    .addOption(member.choices(['accepted', 'pending', 'rejected', 'all']))
    .option('--owner <project>', 'only images of this project')
    .addOption(disk)
    .addOption(container)
    .option('--hidden', 'only hidden images, which are left out otherwise')
    .option('--protected', 'only protected images')
    .option(
      '--sort <keys>',
      'key[:asc|desc],… of name status disk_format container_format size id created_at updated_at',
    )
    .option('--limit <number>', 'at most so many', wholeNumber)
    .option('--marker <id>', 'only images after this one')
    .option('--long', 'more columns')
    .action(list);
}

async function list(options: Options, command: Command): Promise<void> {
  const { client, settings } = openCall(command);
  const most = options.limit ?? Number.POSITIVE_INFINITY;
  const images: Image[] = [];
  if (most > 0) {
    for await (const image of client.listImages(queryOf(options))) {
      images.push(image);
      if (images.length >= most) break;
    }
  }
  if (settings.json) return printJson(images);
  if (settings.quiet) {
    for (const { id } of images) printLine(id);
    return;
  }
  if (options.long)
    printTable(
      [...header, ...longHeader],
      images.map((image) => [...cells(image), ...longCells(image)]),
    );
  else printTable(header, images.map(cells));
}

function queryOf(options: Options): ImageQuery {
  return {
    name: options.name,
    status: options.status,
    disk_format: options.diskFormat,
    container_format: options.containerFormat,
    owner: options.owner,
    visibility: options.visibility,
    member_status: options.memberStatus,
    tags: options.tag,
    properties: options.property,
    os_hidden: options.hidden,
    protected: options.protected,
    sort: options.sort,
    marker: options.marker,
    limit: Math.min(options.limit ?? pageSize, pageSize),
  };
}

const header = ['ID', 'NAME', 'STATUS', 'FORMAT', 'SIZE', 'VISIBILITY'];
const longHeader = ['CONTAINER', 'PROTECTED', 'OWNER', 'UPDATED', 'TAGS'];

function cells(image: Image): string[] {
  const { id, name, status, disk_format: format, size, visibility } = image;
  return [id, name ?? '', status, format ?? '', size === null ? '' : formatBytes(size), visibility];
}

function longCells(image: Image): string[] {
  const { container_format: container, owner, updated_at: updated, tags } = image;
  return [container ?? '', image.protected ? 'yes' : 'no', owner ?? '', updated, tags.join(',')];
}
