/** Renders `docs/reference/config.md` from the configuration's schema. */
import { Value } from 'typebox/value';
import { stringify } from 'yaml';
import { environmentVariables } from '../../packages/server/src/config/environment.ts';
import { configSchema } from '../../packages/server/src/config/schema.ts';
import { page, table } from './markdown.ts';

interface Setting {
  readonly type?: string;
  readonly enum?: readonly unknown[];
  readonly anyOf?: readonly Setting[];
  readonly properties?: Readonly<Record<string, Setting>>;
  readonly items?: Setting;
  readonly const?: unknown;
  readonly minimum?: number;
  readonly maximum?: number;
  readonly description?: string;
  readonly default?: unknown;
}

const variableOf = new Map([...environmentVariables].map(([name, path]) => [path.join('.'), name]));

function describeType(setting: Setting): string {
  if (setting.const !== undefined) return `\`${setting.const}\``;
  if (setting.enum !== undefined) return setting.enum.map((value) => `\`${value}\``).join(' ');
  if (setting.anyOf !== undefined) return setting.anyOf.map(describeType).join(' or ');
  const { minimum, maximum } = setting;
  if (minimum !== undefined && maximum !== undefined) return `${setting.type}, ${minimum} to ${maximum}`;
  if (minimum !== undefined) return `${setting.type}, at least ${minimum}`;
  return setting.type ?? '';
}

function row(path: string, setting: Setting): string[] {
  const value = setting.default === undefined ? 'required' : `\`${JSON.stringify(setting.default)}\``;
  const variable = variableOf.get(path);
  return [
    `\`${path}\``,
    describeType(setting),
    value,
    setting.description ?? '',
    variable === undefined ? '' : `\`${variable}\``,
  ];
}

function rows(setting: Setting, path: string): string[][] {
  if (setting.properties !== undefined) {
    return Object.entries(setting.properties).flatMap(([key, child]) =>
      rows(child, path === '' ? key : `${path}.${key}`),
    );
  }
  const own = row(path, setting);
  const object = setting.anyOf?.find(({ properties }) => properties !== undefined);
  if (object !== undefined) return [own, ...rows(object, path)];
  return setting.items?.properties === undefined ? [own] : [own, ...rows(setting.items, `${path}[]`)];
}

/** One section for each type of store, with the settings of its driver. */
function storeSections(): string[] {
  const { stores } = configSchema.properties as unknown as Record<string, Setting>;
  return stores!.items!.anyOf!.flatMap((driver) => {
    const { const: type, description } = driver.properties!.type!;
    const settings = Object.entries(driver.properties!).flatMap(([key, setting]) => rows(setting, key));
    return [
      `## Stores of type \`${type}\``,
      `${description}.`,
      table(
        ['Setting', 'Type', 'Default', 'Meaning'],
        settings.map((cells) => cells.slice(0, 4)),
      ),
    ];
  });
}

export function renderConfig(): string {
  const defaults = Value.Default(configSchema, {});
  return page([
    '# Configuration',
    'A YAML file, given with `--config`, then the environment, then the command line; the later one wins. Everything is checked before anything opens, and a key that is not known is refused with the nearest that is.',
    '`tintype config check` says whether a file can be used; `tintype config print` shows what file and environment come to, secrets masked.',
    table(['Setting', 'Type', 'Default', 'Meaning', 'Variable'], rows(configSchema as Setting, '')),
    'Each entry of `stores` has the settings of its type, below.',
    'Values of variables are read as YAML, except where a setting is text.',
    ...storeSections(),
    '## The defaults as a file',
    `\`\`\`yaml\n${stringify(defaults, { lineWidth: 0 }).trimEnd()}\n\`\`\``,
  ]);
}
