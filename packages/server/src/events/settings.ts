/** What an operator may say about who is told of events. */
import Type from 'typebox';

const closed = { additionalProperties: false };

const names = (description: string) =>
  Type.Array(Type.String({ pattern: '^[a-z_]+(\\.[a-z_]+)*$' }), { default: [], description });

const caFile = Type.Union([Type.String({ minLength: 1 }), Type.Null()], {
  default: null,
  description: 'Certificate authorities (PEM) to trust besides the usual ones',
});

export const webhookSettings = Type.Object(
  {
    id: Type.String({ pattern: '^[A-Za-z0-9_.-]{1,64}$', description: 'Name in the log and the figures' }),
    url: Type.String({ pattern: '^https?://', description: 'Where each event is posted to' }),
    secretFile: Type.String({
      minLength: 1,
      description: 'File with the secret that requests are signed with: `whsec_…` or at least 24 characters',
    }),
    types: names('Only events of these types and groups, such as image and task.failure; empty: all'),
    allowPrivateAddresses: Type.Boolean({
      default: false,
      description: 'Whether its host may have a loopback or private address',
    }),
    caFile,
  },
  closed,
);

export const amqpSettings = Type.Object(
  {
    url: Type.String({
      pattern: '^amqps?://',
      description: 'The broker: amqp://user@host:5672/vhost, or amqps',
    }),
    passwordFile: Type.Union([Type.String({ minLength: 1 }), Type.Null()], {
      default: null,
      description: 'File with the password of the user',
    }),
    exchange: Type.String({
      minLength: 1,
      maxLength: 255,
      default: 'glance',
      description: 'Topic exchange; made when it is not there',
    }),
    durable: Type.Boolean({
      default: false,
      description:
        'Whether exchange and queues outlive a restart of the broker, as they are declared by all who use them',
    }),
    topics: Type.Array(Type.String({ pattern: '^[A-Za-z0-9_.-]{1,200}$' }), {
      minItems: 1,
      default: ['notifications'],
      description: 'Routing keys are `<topic>.info` and `<topic>.error`',
    }),
    publisherId: Type.Union([Type.String({ minLength: 1 }), Type.Null()], {
      default: null,
      description: 'publisher_id of the messages; null: image.<name of this machine>',
    }),
    disabled: names('No events of these types and groups'),
    caFile,
  },
  closed,
);
