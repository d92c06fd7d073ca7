/** What an operator may say about fetching and sending, in the same words wherever that is done. */
import Type from 'typebox';

const hosts = (description: string) =>
  Type.Array(Type.String({ minLength: 1 }), { default: [], description });

/** For `FetchRules`. `what`: ends `Hosts…`. */
export function fetchRules(what: string) {
  return {
    allowedSchemes: Type.Array(Type.Enum(['http', 'https']), {
      default: ['http', 'https'],
      description: `Schemes of URLs ${what}`,
    }),
    allowedPorts: Type.Array(Type.Integer({ minimum: 1, maximum: 65535 }), {
      default: [80, 443],
      description: 'Ports that may be connected to; empty: any',
    }),
    allowedHosts: hosts(`Hosts ${what}: names, \`*.domain\`, addresses; empty: any`),
    deniedHosts: hosts(
      'Hosts that may not be, even where allowed: names, `*.domain`, and addresses or networks (CIDR) that no name may resolve to',
    ),
    allowPrivateAddresses: Type.Boolean({
      default: false,
      description:
        'Whether hosts may have loopback and private addresses; link-local, metadata and reserved ones never',
    }),
  };
}

/** For `FetchSettings`. */
export const fetchSettings = {
  ...fetchRules('that may be fetched from'),
  caFile: Type.Union([Type.String({ minLength: 1 }), Type.Null()], {
    default: null,
    description: 'Certificate authorities (PEM) to trust besides the usual ones',
  }),
};
