/** The tables of `migrations/` as the query builder sees them. */
import type { ColumnType, Generated, JSONColumnType } from 'kysely';

/** Set once, at insertion. */
type Fixed<T> = ColumnType<T, T, never>;

interface ImagesTable {
  id: Fixed<string>;
  name: string | null;
  status: string;
  visibility: string;
  protected: boolean;
  os_hidden: boolean;
  owner: string | null;
  disk_format: string | null;
  container_format: string | null;
  min_disk: number;
  min_ram: number;
  /** Bytes. */
  size: number | null;
  /** Bytes. */
  virtual_size: number | null;
  checksum: string | null;
  os_hash_algo: string | null;
  os_hash_value: string | null;
  tags: string[];
  /** Written as JSON text. */
  properties: JSONColumnType<Record<string, string>>;
  search_terms: string[];
  created_at: Fixed<Date>;
  updated_at: Date;
  /** Since when it is pending_delete. */
  deleted_at: Date | null;
}

interface ImageTombstonesTable {
  id: string;
  owner: string | null;
  deleted_at: Date;
}

interface ImageLocationsTable {
  id: Fixed<string>;
  image_id: Fixed<string>;
  store: Fixed<string>;
  key: Fixed<string>;
  /** Written as JSON text. */
  metadata: JSONColumnType<Record<string, string>>;
  /** Among the locations of the image: the lowest comes first. */
  position: number;
  /** `derived`: a copy in another format than that of the image. */
  status: 'active' | 'derived' | 'pending_delete';
  /** Of a derived one what it holds; null: what the image says. */
  disk_format: string | null;
  size: number | null;
  checksum: string | null;
  os_hash_algo: string | null;
  os_hash_value: string | null;
  disk_sha256: string | null;
  /** What was found wrong with the bytes when they were last looked at; null: nothing. */
  trouble: 'missing' | 'failed' | null;
  trouble_at: Date | null;
  created_at: Fixed<Date>;
}

interface ImageMembersTable {
  image_id: Fixed<string>;
  member: Fixed<string>;
  status: 'pending' | 'accepted' | 'rejected';
  created_at: Fixed<Date>;
  updated_at: Date;
}

interface ProcessesTable {
  number: Generated<number>;
  host: string;
  pid: number;
  started_at: Date;
}

interface UploadsTable {
  id: Fixed<string>;
  image_id: Fixed<string>;
  process: number;
  store: string;
  key: string;
  started_at: Fixed<Date>;
}

interface LocationChecksTable {
  id: Fixed<string>;
  image_id: Fixed<string>;
  location_id: Fixed<string>;
  algorithm: Fixed<string | null>;
  digest: Fixed<string | null>;
  /** Written as JSON text. */
  signer: JSONColumnType<Record<string, unknown> | null, string | null, never>;
  process: number | null;
  attempts: number;
  not_before: Date;
  created_at: Fixed<Date>;
}

interface TasksTable {
  id: Fixed<string>;
  type: string;
  status: 'pending' | 'processing' | 'success' | 'failure';
  owner: string | null;
  image_id: Fixed<string>;
  user_id: string | null;
  request_id: string | null;
  /** Written as JSON text. */
  input: JSONColumnType<Record<string, unknown>>;
  /** Written as JSON text. */
  result: JSONColumnType<Record<string, unknown> | null, string | null, string | null>;
  message: string;
  expires_at: Date | null;
  created_at: Fixed<Date>;
  updated_at: Date;
}

interface TokensTable {
  id: Fixed<string>;
  digest: Fixed<Buffer>;
  user_id: string;
  project_id: string | null;
  roles: string[];
  created_at: Fixed<Date>;
  expires_at: Date | null;
  revoked_at: Date | null;
}

export interface MetadefNamespacesTable {
  id: Generated<number>;
  namespace: string;
  display_name: string | null;
  description: string | null;
  visibility: 'public' | 'private';
  protected: boolean;
  owner: string | null;
  created_at: Fixed<Date>;
  updated_at: Date;
}

export interface MetadefDefinitionsTable {
  id: Generated<number>;
  namespace_id: Fixed<number>;
  kind: Fixed<'property' | 'object' | 'tag' | 'resource_type'>;
  name: string;
  /** Written as JSON text. */
  content: JSONColumnType<object>;
  created_at: Fixed<Date>;
  updated_at: Date;
}

export interface MetadefResourceTypesTable {
  name: Fixed<string>;
  created_at: Fixed<Date>;
  updated_at: Date;
}

interface FlowsTable {
  id: Fixed<string>;
  name: Fixed<string>;
  project: Fixed<string | null>;
  subject: Fixed<string | null>;
  round: Generated<number>;
  cancel_requested_at: Date | null;
  created_at: Generated<Date>;
}

interface FlowWorkersTable {
  id: Fixed<string>;
  process: number;
  host: Fixed<string>;
  pid: Fixed<number>;
  beat: Generated<number>;
  beat_at: Generated<Date>;
  started_at: Generated<Date>;
}

interface FlowAttemptsTable {
  id: Fixed<string>;
  flow: Fixed<string>;
  step: Fixed<string>;
  round: Fixed<number>;
  number: Fixed<number>;
  worker: Fixed<string>;
  state: 'running' | 'done' | 'failed' | 'lost' | 'released';
  done: number | null;
  total: number | null;
  code: string | null;
  message: string | null;
  started_at: Generated<Date>;
  moved_at: Generated<Date>;
  ended_at: Date | null;
}

interface StagedDataTable {
  image_id: Fixed<string>;
  key: Fixed<string>;
  /** Position of its first byte in the whole. */
  first: Generated<number>;
  /** Bytes. */
  size: Fixed<number>;
  /** Bytes of the whole; null: the source does not say. */
  total: number | null;
  validator: string | null;
  created_at: Fixed<Date>;
}

interface ExportDataTable {
  key: Fixed<string>;
  action: Fixed<string>;
  owner: Fixed<string | null>;
  /** Bytes. */
  size: number;
}

interface ActionsTable {
  id: Fixed<string>;
  type: Fixed<string>;
  owner: Fixed<string | null>;
  user_id: Fixed<string | null>;
  request_id: Fixed<string | null>;
  image_id: Fixed<string>;
  /** Written as JSON text. */
  request: JSONColumnType<Record<string, unknown>>;
  outcome: 'success' | 'failure' | 'cancelled' | null;
  message: string | null;
  /** Written as JSON text. */
  error: JSONColumnType<Record<string, unknown> | null, string | null, string | null>;
  /** Written as JSON text. */
  result: JSONColumnType<Record<string, unknown> | null, string | null, string | null>;
  created_at: Fixed<Date>;
  updated_at: Date;
  ended_at: Date | null;
}

interface ImageDraftsTable {
  id: Fixed<string>;
  owner: string | null;
  /** Bytes. */
  size: number | null;
  /** Written as JSON text. */
  record: JSONColumnType<Record<string, unknown>>;
}

interface CachedImagesTable {
  node: Fixed<string>;
  image_id: Fixed<string>;
  /** Bytes. */
  size: number;
  hits: number;
  cached_at: Date;
  read_at: Date;
}

interface EventsTable {
  number: ColumnType<number, never, never>;
  id: Fixed<string>;
  position: number | null;
  type: Fixed<string>;
  priority: Fixed<'info' | 'error'>;
  project: Fixed<string | null>;
  image_id: Fixed<string | null>;
  /** Written as JSON text. */
  payload: ColumnType<Record<string, unknown>, string, never>;
  created_at: Fixed<Date>;
}

interface EventHeadTable {
  single: ColumnType<boolean, never, never>;
  position: number;
  forgotten: number;
}

interface EventReceiversTable {
  id: Fixed<string>;
  position: number;
  teller: string | null;
  told_until: Date | null;
}

interface EventTroublesTable {
  receiver: Fixed<string>;
  position: Fixed<number>;
  image_id: Fixed<string | null>;
  attempts: number;
  not_before: Date;
}

/** Which migrations this database has had; kept by `migrate.ts`. */
interface SchemaMigrationsTable {
  number: number;
  name: string;
  digest: string;
  applied_at: Generated<Date>;
}

export interface Tables {
  images: ImagesTable;
  image_tombstones: ImageTombstonesTable;
  image_locations: ImageLocationsTable;
  image_members: ImageMembersTable;
  processes: ProcessesTable;
  uploads: UploadsTable;
  location_checks: LocationChecksTable;
  tasks: TasksTable;
  tokens: TokensTable;
  metadef_namespaces: MetadefNamespacesTable;
  metadef_definitions: MetadefDefinitionsTable;
  metadef_resource_types: MetadefResourceTypesTable;
  flows: FlowsTable;
  flow_workers: FlowWorkersTable;
  flow_attempts: FlowAttemptsTable;
  staged_data: StagedDataTable;
  actions: ActionsTable;
  export_data: ExportDataTable;
  image_drafts: ImageDraftsTable;
  cached_images: CachedImagesTable;
  events: EventsTable;
  event_head: EventHeadTable;
  event_receivers: EventReceiversTable;
  event_troubles: EventTroublesTable;
  schema_migrations: SchemaMigrationsTable;
}
