/** An image as people and programs read it. */
import { customProperties, type Image } from '@tintype/client';
import { formatBytes } from './amounts.ts';
import { printFields, printJson, printLine } from './output.ts';
import type { Settings } from './settings.ts';

const inOrder = [
  'id',
  'name',
  'status',
  'visibility',
  'owner',
  'protected',
  'os_hidden',
  'disk_format',
  'container_format',
  'size',
  'virtual_size',
  'min_disk',
  'min_ram',
  'checksum',
  'os_hash_algo',
  'os_hash_value',
  'stores',
  'tags',
  'created_at',
  'updated_at',
] as const;

export function printImage(image: Image, settings: Settings): void {
  if (settings.json) printJson(image);
  else if (settings.quiet) printLine(image.id);
  else printFields(fieldsOf(image));
}

function fieldsOf(image: Image): [string, string][] {
  const base = inOrder
    .filter((name) => image[name] !== undefined)
    .map((name): [string, string] => [name, cell(name, image[name])]);
  const properties = Object.entries(customProperties(image)).sort(([a], [b]) => (a < b ? -1 : 1));
  return [...base, ...properties];
}

function cell(name: string, value: unknown): string {
  if (value === null) return '';
  if (Array.isArray(value)) return value.join(', ');
  if (typeof value !== 'number' || !name.endsWith('size') || value < 1024) return String(value);
  return `${value} (${formatBytes(value)})`;
}
