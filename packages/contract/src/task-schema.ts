/** The JSON Schemas of tasks as clients read them from `/v2/schemas` (API section 10). */

const text = (description: string) => ({ type: 'string', description });
const nullableText = (description: string) => ({ type: ['null', 'string'], description });
const nullableObject = (description: string) => ({ type: ['null', 'object'], description });

const summary = {
  id: text('An identifier for the task'),
  type: text('The type of task represented by this content'),
  status: {
    type: 'string',
    enum: ['pending', 'processing', 'success', 'failure'],
    description: 'The current status of this task',
  },
  owner: nullableText('An identifier for the owner of this task'),
  expires_at: nullableText('When this task is no longer kept'),
  created_at: text('When this task was created'),
  updated_at: text('When this task was last updated'),
  self: { type: 'string', readOnly: true },
  schema: { type: 'string', readOnly: true },
};

export const taskSchema = {
  name: 'task',
  properties: {
    ...summary,
    input: nullableObject('The parameters required by the task'),
    result: nullableObject('The result of the task'),
    message: nullableText('Human-readable informative message, such as the progress or the failure'),
    image_id: text('Image associated with the task'),
    request_id: nullableText('Request that started the task'),
    user_id: nullableText('User associated with the task'),
  },
};

export const tasksSchema = {
  name: 'tasks',
  properties: {
    tasks: { type: 'array', items: { name: 'task', properties: summary } },
    first: { type: 'string' },
    next: { type: 'string' },
    schema: { type: 'string' },
  },
  links: [
    { rel: 'first', href: '{first}' },
    { rel: 'next', href: '{next}' },
    { rel: 'describedby', href: '{schema}' },
  ],
};
