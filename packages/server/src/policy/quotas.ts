/** How much a project may have: from a file of the operator's or from Keystone's unified limits. */
import { parse } from 'yaml';
import { Failure } from '../base/failure.ts';
import type { Log } from '../base/log.ts';
import { WatchedFile } from './watched-file.ts';

/** The reference's names; sizes in MiB, counts of images. */
export const quotaNames = [
  'image_size_total',
  'image_stage_total',
  'image_count_total',
  'image_count_uploading',
] as const;
export type QuotaName = (typeof quotaNames)[number];

/** null: no limit. */
export type Quotas = Readonly<Record<QuotaName, number | null>>;

export interface QuotaSource {
  /** Quotas that are off limit nothing and are not shown. */
  readonly enabled: boolean;
  /** Fails with unavailable when the source cannot say. */
  of(project: string | null): Promise<Quotas>;
}

export const unlimited: Quotas = {
  image_size_total: null,
  image_stage_total: null,
  image_count_total: null,
  image_count_uploading: null,
};

export const noQuotas: QuotaSource = { enabled: false, of: async () => unlimited };

export class QuotaFileError extends Error {
  constructor(message: string) {
    super(message);
    this.name = 'QuotaFileError';
  }
}

function readQuotas(where: string, given: unknown, under: Quotas): Quotas {
  if (typeof given !== 'object' || given === null || Array.isArray(given))
    throw new QuotaFileError(`${where} is not a mapping of quotas`);
  const quotas = { ...under };
  for (const [name, value] of Object.entries(given)) {
    if (!quotaNames.includes(name as QuotaName))
      throw new QuotaFileError(
        `${where} has the unknown quota "${name}"; known are ${quotaNames.join(', ')}`,
      );
    if (!Number.isSafeInteger(value) || (value as number) < -1)
      throw new QuotaFileError(`${where}.${name} is not a whole number of at least -1 (no limit)`);
    quotas[name as QuotaName] = value === -1 ? null : (value as number);
  }
  return quotas;
}

interface QuotaFile {
  readonly standard: Quotas;
  readonly projects: ReadonlyMap<string, Quotas>;
}

/** `{default: {…}, projects: {id: {…}}}`. Fails with QuotaFileError. */
export function readQuotaFile(text: string): QuotaFile {
  const document = (parse(text) ?? {}) as Record<string, unknown>;
  if (typeof document !== 'object' || Array.isArray(document))
    throw new QuotaFileError('it is not a mapping');
  const unknown = Object.keys(document).find((key) => key !== 'default' && key !== 'projects');
  if (unknown !== undefined) throw new QuotaFileError(`it has the unknown key "${unknown}"`);
  const standard = readQuotas('default', document.default ?? {}, unlimited);
  const projects = new Map<string, Quotas>();
  for (const [id, given] of Object.entries(document.projects ?? {}))
    projects.set(id, readQuotas(`projects.${id}`, given, standard));
  return { standard, projects };
}

export function openQuotaFile(file: string, log: Log): QuotaSource {
  const watched = new WatchedFile(file, readQuotaFile, log);
  return {
    enabled: true,
    async of(project) {
      const { standard, projects } = watched.current;
      return (project === null ? undefined : projects.get(project)) ?? standard;
    },
  };
}

/** What a project has at this moment, in the units of the quotas. */
export type Usage = Readonly<Record<QuotaName, number>>;

/** Fails with quota_exceeded when `name` would go past its limit, naming limit, use and what was asked for. */
export function checkQuota(quotas: Quotas, usage: Usage, name: QuotaName, more: number): void {
  const limit = quotas[name];
  if (limit === null || usage[name] + more <= limit) return;
  const round = (value: number) => Math.ceil(value * 1000) / 1000;
  throw new Failure(
    'quota_exceeded',
    `Quota ${name} is ${limit}; ${round(usage[name])} is in use, ${round(more)} more was asked for.`,
  );
}
