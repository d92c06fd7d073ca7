/** The settings of stores of type file. */
import Type from 'typebox';
import { keptFormat } from '../kept-format.ts';

const closed = { additionalProperties: false };
const nullable = (description: string) =>
  Type.Union([Type.String({ minLength: 1 }), Type.Null()], { default: null, description });

export const fileStoreOptions = Type.Object(
  {
    id: Type.String({ pattern: '^[A-Za-z0-9_.-]{1,64}$', description: 'Name in the API' }),
    type: Type.Literal('file', { description: 'The folder of a local or shared file system' }),
    path: nullable('The folder, made when it is not there; null: `images/<id>` in the data directory'),
    folders: Type.Array(
      Type.Object(
        {
          path: Type.String({ minLength: 1, description: 'The folder, made when it is not there' }),
          priority: Type.Integer({ default: 0, description: 'Of those with room the highest is written to' }),
        },
        closed,
      ),
      {
        default: [],
        description:
          'Several folders in place of `path`, such as one on each disk: an image goes where there is room for it, of several with one priority where there is most',
      },
    ),
    thin: Type.Boolean({
      default: false,
      description: 'Leave zeros out of the files, 64 KiB at a time, so that they take no room on the disk',
    }),
    ...keptFormat,
    weight: Type.Integer({ default: 0, description: 'Higher is read from first' }),
    description: nullable('Shown to users'),
  },
  closed,
);
