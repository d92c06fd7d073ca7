/** The JSON Schemas of imports, exports, clones and the list of all actions, as clients read them from `/v2/schemas` (API section 10). */
import type { TSchema } from 'typebox';
import {
  ActionRecord,
  ImageActionRequest,
  ImageCloneRequest,
  ImageExportRequest,
  ImageImportRequest,
} from './action-records.ts';

const pageLinks = [
  { rel: 'first', href: '{first}' },
  { rel: 'next', href: '{next}' },
  { rel: 'describedby', href: '{schema}' },
];

/** Without what only this package's own tools understand. */
function plain(schema: TSchema): object {
  return JSON.parse(JSON.stringify(schema)) as object;
}

function pageOf(name: string, items: object): object {
  return {
    name,
    properties: {
      [name.replaceAll('-', '_')]: { type: 'array', items },
      first: { type: 'string' },
      next: { type: 'string' },
      schema: { type: 'string' },
    },
    links: pageLinks,
  };
}

/** What is sent to create one is in `links`, beside what is answered. */
export const imageImportSchema = {
  name: 'image-import',
  ...plain(ActionRecord),
  links: [
    { rel: 'self', href: '{self}' },
    { rel: 'describedby', href: '{schema}' },
    { rel: 'create', href: '/v2/image-imports', method: 'POST', schema: plain(ImageImportRequest) },
  ],
};
export const imageImportsSchema = pageOf('image-imports', imageImportSchema);

export const imageExportSchema = {
  name: 'image-export',
  ...plain(ActionRecord),
  links: [
    { rel: 'self', href: '{self}' },
    { rel: 'describedby', href: '{schema}' },
    { rel: 'create', href: '/v2/image-exports', method: 'POST', schema: plain(ImageExportRequest) },
  ],
};
export const imageExportsSchema = pageOf('image-exports', imageExportSchema);

export const imageCloneSchema = {
  name: 'image-clone',
  ...plain(ActionRecord),
  links: [
    { rel: 'self', href: '{self}' },
    { rel: 'describedby', href: '{schema}' },
    { rel: 'create', href: '/v2/image-clones', method: 'POST', schema: plain(ImageCloneRequest) },
  ],
};
export const imageClonesSchema = pageOf('image-clones', imageCloneSchema);

export const imageActionSchema = {
  name: 'image-action',
  ...plain(ActionRecord),
  links: [
    { rel: 'self', href: '{self}' },
    { rel: 'describedby', href: '{schema}' },
    { rel: 'create', href: '/v2/image-actions', method: 'POST', schema: plain(ImageActionRequest) },
  ],
};
export const imageActionsSchema = pageOf('image-actions', imageActionSchema);
