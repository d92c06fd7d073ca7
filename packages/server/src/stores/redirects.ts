/** The settings of stores that clients can be sent to for data. */
import Type from 'typebox';

export const redirectSettings = {
  redirectSeconds: Type.Integer({
    minimum: 0,
    maximum: 86400,
    default: 0,
    description:
      'Seconds that a URL is good for at which a client that asks for it gets the data of an image from the store itself; 0: nobody is sent there',
  }),
  redirectEndpoint: Type.Union([Type.String({ pattern: '^https?://[^/@?#\\s]+/?$' }), Type.Null()], {
    default: null,
    description: 'What such URLs begin with, when clients do not reach the store where we do',
  }),
};
