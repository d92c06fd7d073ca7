-- What a worker takes from the queue, in one statement: of the hundred projects after `beyond` that wait, whose flows are
-- fewest comes first. `next` is where to look on, and empty when there was nothing further. The rows become what the engine makes of them.
-- `unfit` are those that the worker cannot run. The limits are those of all workers, so one takes at a time: each statement in here sees what the one before has taken.
CREATE FUNCTION claim_flows(
  worker text, owner text, version text, room int, per_project int, total int, beyond text, unfit text[],
  OUT flows text[], OUT next text
) LANGUAGE plpgsql SET enable_seqscan = off AS $$
DECLARE
  at_most int := room;
  projects text[];
BEGIN
  PERFORM pg_advisory_xact_lock(7461736503);
  flows := '{}';
  next := '';
  IF total IS NOT NULL THEN
    SELECT least(room, total - count(*)) INTO at_most
    FROM tintype_engine.workflow_status WHERE queue_name = 'flows' AND status = 'PENDING';
  END IF;
  IF at_most <= 0 THEN RETURN; END IF;

  WITH RECURSIVE waiting (project, number) AS (
    SELECT (
      SELECT min(queue_partition_key) FROM tintype_engine.workflow_status
      WHERE queue_name = 'flows' AND status = 'ENQUEUED' AND queue_partition_key > beyond
    ), 1
    UNION ALL
    SELECT (
      SELECT min(queue_partition_key) FROM tintype_engine.workflow_status
      WHERE queue_name = 'flows' AND status = 'ENQUEUED' AND queue_partition_key > project
    ), number + 1
    FROM waiting WHERE project IS NOT NULL AND number < 100
  )
  SELECT array_agg(project ORDER BY number) INTO projects FROM waiting WHERE project IS NOT NULL;
  next := coalesce(projects[100], '');

  WITH picked AS (
    SELECT workflow_uuid
    FROM unnest(projects) AS project
    CROSS JOIN LATERAL (
      SELECT count(*) AS number FROM tintype_engine.workflow_status
      WHERE queue_name = 'flows' AND status = 'PENDING' AND queue_partition_key = project
    ) AS running
    CROSS JOIN LATERAL (
      SELECT workflow_uuid, row_number() OVER (ORDER BY priority, created_at) AS turn
      FROM (
        SELECT workflow_uuid, priority, created_at FROM tintype_engine.workflow_status
        WHERE queue_name = 'flows' AND status = 'ENQUEUED' AND queue_partition_key = project
          AND (application_version = version OR application_version IS NULL)
          AND (application_name = 'tintype' OR application_name IS NULL)
          AND workflow_uuid <> ALL (unfit)
        ORDER BY priority, created_at LIMIT greatest(per_project - running.number, 0)
      ) AS first
    ) AS waiting
    ORDER BY running.number + turn, random() LIMIT at_most
  ), free AS (
    SELECT workflow_uuid FROM tintype_engine.workflow_status
    WHERE workflow_uuid = ANY (ARRAY(SELECT workflow_uuid FROM picked)) AND status = 'ENQUEUED'
    FOR UPDATE SKIP LOCKED
  ), taken AS (
    UPDATE tintype_engine.workflow_status AS flow
    SET status = 'PENDING',
      owner_xid = owner,
      executor_id = worker,
      application_version = version,
      application_name = coalesce(application_name, 'tintype'),
      started_at_epoch_ms = (extract(epoch FROM now()) * 1000)::bigint,
      updated_at = (extract(epoch FROM now()) * 1000)::bigint,
      rate_limited = false,
      recovery_attempts = recovery_attempts + 1
    FROM free WHERE flow.workflow_uuid = free.workflow_uuid
    RETURNING flow.workflow_uuid
  )
  SELECT coalesce(array_agg(workflow_uuid), '{}') INTO flows FROM taken;
END
$$;
