/** The formats that disks can be converted to, as settings name them. */
import Type from 'typebox';

const formats = ['raw', 'qcow2', 'vmdk', 'vhd'] as const;

/** Of a store or of all imports; null by default. */
export function formatSetting(description: string) {
  return Type.Union([Type.Enum(formats), Type.Null()], { default: null, description });
}

/** Of every store that takes writes. */
export const keptFormat = {
  convertTo: formatSetting(
    'Format that the disks of imports are converted to for this store, such as raw for rbd; null: `import.convertTo`',
  ),
};
