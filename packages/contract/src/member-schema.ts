/** The JSON Schemas of members as clients read them from `/v2/schemas` (API section 10). */

const time = (description: string) => ({ type: 'string', description });

export const memberSchema = {
  name: 'member',
  properties: {
    image_id: { type: 'string', description: 'An identifier for the image' },
    member_id: { type: 'string', description: 'An identifier for the image member (project)' },
    status: {
      type: 'string',
      enum: ['pending', 'accepted', 'rejected'],
      description: 'The status of this image member',
    },
    created_at: time('Date and time of image member creation'),
    updated_at: time('Date and time of last modification of image member'),
    schema: { type: 'string', readOnly: true },
  },
};

export const membersSchema = {
  name: 'members',
  properties: {
    members: { type: 'array', items: memberSchema },
    schema: { type: 'string' },
  },
  links: [{ rel: 'describedby', href: '{schema}' }],
};
