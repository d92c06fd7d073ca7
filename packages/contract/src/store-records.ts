/** Stores as clients read them from `/v2/info` (API section 6). */
import Type, { type Static } from 'typebox';

/** What is so is the text "true"; what is not so is absent. */
const Flag = Type.Optional(Type.Literal('true'));

const common = {
  id: Type.String(),
  description: Type.Optional(Type.String()),
  default: Flag,
  'read-only': Flag,
};

export const StoreRecord = Type.Object(common);
export type StoreRecord = Static<typeof StoreRecord>;

export const StoreList = Type.Object({ stores: Type.Array(StoreRecord) });

const Bytes = (description: string) =>
  Type.Union([Type.Integer({ minimum: 0 }), Type.Null()], { description: `bytes ${description}` });

/** As the store said within the last minutes; null is what it does not tell. */
const StoreRoom = Type.Object(
  {
    used_bytes: Bytes('that count against the total, perhaps of others too'),
    total_bytes: Bytes('that fit at all: of the disk, the pool or the tightest quota'),
    free_bytes: Bytes('that can still be put'),
  },
  { description: 'absent from a read-only store; null: the store does not tell' },
);

/** With what only operators and other services are shown. */
export const StoreDetail = Type.Object({
  ...common,
  type: Type.String(),
  weight: Type.Integer({ description: 'the highest is read from first' }),
  properties: Type.Object({}, { additionalProperties: true }),
  capacity: Type.Optional(StoreRoom),
});
export type StoreDetail = Static<typeof StoreDetail>;

export const StoreDetailList = Type.Object({ stores: Type.Array(StoreDetail) });
