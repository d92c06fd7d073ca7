/** The server as the command and tests use it. */
export { type App, type AppOptions, startApp } from './app.ts';
export { createLog } from './base/log.ts';
export { loadConfig } from './config/load.ts';
export { type Config, configSchema } from './config/schema.ts';
export { type ServerOptions, serve } from './main.ts';
export {
  checkConfig,
  createToken,
  databaseMigrate,
  databaseStatus,
  listTokens,
  printConfig,
  revokeToken,
} from './operator.ts';
export { cancelFlow, listFlows, retryFlow, showFlow } from './operator-flows.ts';
export {
  type ExportedFile,
  exportMetadefs,
  type LoadedFile,
  type LoadMetadefsInput,
  loadMetadefs,
  unloadMetadefs,
} from './operator-metadefs.ts';
export { checkPolicy, explainPolicy, type PolicyVerdict } from './operator-policy.ts';
export { type Finding, runReconcile } from './operator-reconcile.ts';
export { listUpkeep, runUpkeep } from './operator-upkeep.ts';
