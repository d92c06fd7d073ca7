/** Made-up image rows as a cloud has them: few systems, many snapshots, names used again and again. */
import { createHash, randomUUID } from 'node:crypto';
import type { Image } from '../../packages/server/src/images/image.ts';
import { type Chance, createChance } from './chance.ts';

const projectCount = 400;
const dayMs = 24 * 3600 * 1000;
const yearMs = 365 * dayMs;
const longestWaitMs = 20 * dayMs;

/** Ids as the identity service makes them, the same in every run. */
const projects: readonly string[] = Array.from({ length: projectCount }, (_, index) =>
  createHash('sha256').update(`benchmark project ${index}`).digest('hex').slice(0, 32),
);

const systems = [
  ['ubuntu', '24.04', 28],
  ['ubuntu', '22.04', 18],
  ['debian', '12', 14],
  ['debian', '13', 8],
  ['rocky', '9', 9],
  ['almalinux', '9', 6],
  ['fedora', '42', 5],
  ['centos', '9', 5],
  ['opensuse', '15.6', 3],
  ['windows', '2022', 3],
  ['freebsd', '14', 1],
] as const;
const weightedSystems = systems.map((system) => [system, system[2]] as const);
const roles = ['web', 'api', 'worker', 'database', 'cache', 'proxy', 'build', 'bastion', 'monitor', 'queue'];
const environments = [
  ['production', 5],
  ['staging', 3],
  ['development', 2],
] as const;

interface Kind {
  readonly name: string;
  readonly type: 'base' | 'snapshot' | 'backup';
}

/** Base images share few names, snapshots and backups of the same machine a few each. */
function kindOf(chance: Chance, distro: string, version: string): Kind {
  const draw = chance.next();
  if (draw < 0.3)
    return { name: `${distro}-${version}-${chance.pick(['server', 'minimal', 'cloud'])}`, type: 'base' };
  const machine = `${chance.pick(roles)}-${String(chance.below(400)).padStart(3, '0')}`;
  if (draw < 0.7) return { name: `${machine}-snapshot`, type: 'snapshot' };
  if (draw < 0.9) return { name: `${machine}-backup-${chance.below(30)}`, type: 'backup' };
  return { name: `${machine}-${chance.hex(12)}`, type: 'snapshot' };
}

/** A few projects own much, most own little. */
function ownerOf(chance: Chance): string {
  return projects[Math.floor(projectCount * chance.next() ** 2.5)]!;
}

function visibilityOf(chance: Chance): Image['visibility'] {
  return chance.weighted([
    ['shared', 50],
    ['private', 30],
    ['public', 15],
    ['community', 5],
  ]);
}

function dataOf(chance: Chance, status: Image['status']) {
  if (status === 'queued')
    return { size: null, virtual_size: null, checksum: null, os_hash_algo: null, os_hash_value: null };
  const size = 64 * 1024 * 1024 + chance.below(20_000) * 1024 * 1024;
  return {
    size,
    virtual_size: Math.ceil((size * 2.5) / 2 ** 30) * 2 ** 30,
    checksum: chance.hex(32),
    os_hash_algo: 'sha512',
    os_hash_value: chance.hex(128),
  };
}

/** The server gives up what has waited for data for a month, and that would be what is measured. */
function statusOf(chance: Chance, ageMs: number): Image['status'] {
  const status = chance.weighted([
    ['active', 96],
    ['queued', 3],
    ['deactivated', 1],
  ] as const);
  return status === 'queued' && ageMs > longestWaitMs ? 'active' : status;
}

function imageOf(chance: Chance, created: number, now: number): Image {
  const [distro, version] = chance.weighted(weightedSystems);
  const { name, type } = kindOf(chance, distro, version);
  const status = statusOf(chance, now - created);
  const changed = chance.next() < 0.25 ? chance.below(now - created) : chance.below(600_000);
  return {
    id: randomUUID(),
    name,
    status,
    visibility: visibilityOf(chance),
    protected: chance.next() < 0.05,
    os_hidden: chance.next() < 0.02,
    owner: ownerOf(chance),
    disk_format: chance.weighted([
      ['qcow2', 6],
      ['raw', 3],
      ['iso', 1],
    ] as const),
    container_format: 'bare',
    min_disk: chance.pick([0, 5, 10, 20, 40]),
    min_ram: chance.pick([0, 512, 1024, 2048]),
    ...dataOf(chance, status),
    tags: [
      chance.weighted(environments),
      `team-${String(chance.below(60)).padStart(2, '0')}`,
      `release-${2025 + chance.below(2)}.${String(1 + chance.below(52)).padStart(2, '0')}`,
    ],
    properties: {
      os_distro: distro,
      os_version: version,
      os_type: distro === 'windows' ? 'windows' : 'linux',
      architecture: chance.next() < 0.88 ? 'x86_64' : 'aarch64',
      hw_disk_bus: chance.weighted([
        ['virtio', 7],
        ['scsi', 3],
      ] as const),
      image_type: type,
      instance_uuid: randomUUID(),
      base_image_ref: `00000000-0000-4000-8000-${String(chance.below(500)).padStart(12, '0')}`,
      build_id: String(chance.below(5000)),
      description: `${type} of ${name}, made by the nightly build ${chance.hex(8)}`,
    },
    created_at: new Date(created),
    updated_at: new Date(Math.min(now, created + changed)),
  };
}

/** A project that an image is shared with, and how it answered. */
export interface Membership {
  readonly image_id: string;
  readonly member: string;
  readonly status: 'accepted' | 'pending' | 'rejected';
  readonly created_at: Date;
  readonly updated_at: Date;
}

export interface Row {
  readonly image: Image;
  readonly memberships: readonly Membership[];
}

/** Few of the images that could be shared are. */
function membershipsOf(chance: Chance, { id, visibility, owner, updated_at: at }: Image): Membership[] {
  if (visibility !== 'shared' || chance.next() >= 0.05) return [];
  const members = new Set(Array.from({ length: 1 + chance.below(3) }, () => chance.pick(projects)));
  members.delete(owner!);
  return [...members].map((member) => ({
    image_id: id,
    member,
    status: chance.weighted([
      ['accepted', 8],
      ['pending', 1],
      ['rejected', 1],
    ] as const),
    created_at: at,
    updated_at: at,
  }));
}

/** `count` rows created over the year before `now`, oldest first, as they would have come. */
export function* imageRows(count: number, seed: number, now: number): Generator<Row, void, void> {
  const chance = createChance(seed);
  for (let index = 0; index < count; index += 1) {
    const created = Math.floor(now - yearMs + ((index + chance.next()) / count) * yearMs);
    const image = imageOf(chance, created, now);
    yield { image, memberships: membershipsOf(chance, image) };
  }
}
