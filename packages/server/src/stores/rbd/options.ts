/** The settings of the rbd store. */
import Type, { type Static } from 'typebox';
import { keptFormat } from '../kept-format.ts';

const file = (description: string, standard: string | null = null) =>
  Type.Union([Type.String({ minLength: 1 }), Type.Null()], { default: standard, description });

export const rbdStoreOptions = Type.Object(
  {
    id: Type.String({ pattern: '^[A-Za-z0-9_.-]{1,64}$', description: 'Name in the API' }),
    type: Type.Literal('rbd', { description: 'A pool of a Ceph cluster; needs its librados and librbd' }),
    pool: Type.String({
      pattern: '^[^/@%\\s\\x00]{1,128}$',
      default: 'images',
      description: 'It must be there already, and for nothing but images',
    }),
    user: Type.String({
      pattern: '^[^\\s\\x00]{1,128}$',
      default: 'images',
      description: 'Our user, without `client.`',
    }),
    confFile: Type.String({
      minLength: 1,
      default: '/etc/ceph/ceph.conf',
      description: 'The configuration of the cluster: where its monitors are, and its fsid',
    }),
    keyringFile: file('The keyring of the user; null: where confFile says, or Ceph looks by itself'),
    objectSize: Type.Enum([1, 2, 4, 8, 16, 32], {
      default: 8,
      description: 'MiB of the objects that images are kept in',
    }),
    writesAtOnce: Type.Integer({
      minimum: 1,
      maximum: 16,
      default: 4,
      description: 'Objects of one upload written at once, in 64 MiB of memory at most',
    }),
    thin: Type.Boolean({ default: true, description: 'Write no zeros: they take no room then' }),
    whenCloned: Type.Enum(['refuse', 'defer'], {
      default: 'refuse',
      description:
        'What becomes of the deletion of an image that volumes were cloned from. refuse: 409. defer: the image goes, its data when the clones have',
    }),
    threads: Type.Integer({
      minimum: 1,
      maximum: 64,
      default: 6,
      description: 'Calls to the cluster at once; each takes a thread of some 5 MiB',
    }),
    idleTimeout: Type.Integer({
      minimum: 1,
      maximum: 3600,
      default: 30,
      description: 'Seconds after which a request to the cluster has failed',
    }),
    ...keptFormat,
    weight: Type.Integer({ default: 0, description: 'Higher is read from first' }),
    description: Type.Union([Type.String({ minLength: 1 }), Type.Null()], {
      default: null,
      description: 'Shown to users',
    }),
  },
  { additionalProperties: false },
);

export type RbdStoreOptions = Static<typeof rbdStoreOptions>;

/** One cluster may have several files that describe it: then only its operator can tell. */
export function placeOfRbdStore({ confFile, pool }: RbdStoreOptions): string {
  return `${confFile} ${pool}`;
}
