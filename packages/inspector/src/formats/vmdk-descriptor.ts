/** The text inside a VMDK, read so that no other reader can see something else in it. */
import { shown } from '../bytes.ts';
import { unsafe } from '../examination.ts';
import { linesOf } from '../lines.ts';

export interface Descriptor {
  readonly createType: string;
  readonly warnings: readonly string[];
}

/**
 * QEMU takes the first place where a key's letters stand, comments included, others go by lines or fold
 * the case: so what matters may stand once, anywhere, in any case.
 */
export function checkDescriptor(text: string, capacity: number): Descriptor {
  const folded = text.toLowerCase();
  const lines = [...linesOf(text)].map((line) => line.trim());
  const keys = keysOf(lines);
  if (count(folded, 'createtype') !== 1) throw unsafe('its VMDK descriptor must give createType once');
  const createType = /^"([^"]*)"$/.exec(keys.get('createtype') ?? '')?.[1] ?? '';
  if (!/^(monolithicSparse|streamOptimized)$/i.test(createType))
    throw unsafe(
      `its VMDK descriptor has the createType '${shown(createType)}', allowed are monolithicSparse and streamOptimized`,
    );
  if (count(folded, 'parentfilenamehint') !== 0) throw unsafe('the VMDK image names a parent');
  if (count(folded, 'parentcid') > 1) throw unsafe('its VMDK descriptor gives parentCID twice');
  if (folded.includes('parentcid') && !/^"?ffffffff"?$/i.test(keys.get('parentcid') ?? ''))
    throw unsafe('the VMDK image is a delta over a parent');
  const sectors = checkExtents(lines.filter((line) => /^(rw|rdonly|noaccess)\b/i.test(line)));
  if (sectors > capacity) throw unsafe('its VMDK descriptor claims more sectors than its header');
  return {
    createType,
    warnings: sectors < capacity ? ['its VMDK descriptor claims fewer sectors than its header'] : [],
  };
}

/** Refuses keys given twice. */
function keysOf(lines: readonly string[]): Map<string, string> {
  const keys = new Map<string, string>();
  for (const line of lines) {
    const equals = line.startsWith('#') ? -1 : line.indexOf('=');
    if (equals < 1) continue;
    const key = line.slice(0, equals).trimEnd().toLowerCase();
    if (keys.has(key)) throw unsafe(`its VMDK descriptor gives ${shown(key)} twice`);
    keys.set(key, line.slice(equals + 1).trimStart());
  }
  return keys;
}

/** The sectors of the one extent there may be. */
function checkExtents(lines: readonly string[]): number {
  if (lines.length !== 1) throw unsafe('its VMDK descriptor must have one extent');
  const [, sectors, kind, name] = /^\w+[ \t]+(\d{1,15})[ \t]+(\w+)[ \t]+"([^"]*)"$/.exec(lines[0]!) ?? [];
  if (kind?.toUpperCase() !== 'SPARSE' || /[/\\:]/.test(name!))
    throw unsafe('the extent in its VMDK descriptor reaches outside the file');
  return Number(sectors);
}

function count(text: string, word: string): number {
  return text.split(word).length - 1;
}
