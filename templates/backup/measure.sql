-- What a database holds, one line of JSON a table: its rows, and a hash of their content that does not depend on
-- their order. The same text before and after a restore means the same content. Tables of extensions belong to these;
-- partitions and chunks count, their parents hold nothing.
-- A large object counts by what it holds without zeros at the end of a page: a hole and zeros read the same.
SET TimeZone = 'UTC';
SET DateStyle = 'ISO, YMD';
SET IntervalStyle = 'postgres';
SET bytea_output = 'hex';
SET extra_float_digits = 1;
-- hash_record_extended (PostgreSQL 14) takes a third of the time that text takes, of types that it knows in every
-- version; not intervals: of these it takes 24 hours for a day. With .* it is the row, also where a column has the
-- alias's name.
-- It adds up the hashes of columns, so that a sum of it would not see values that changed places between rows: hashed
-- once more it does.
SELECT format('SELECT ''{"table": '' || %L || '', "rows": '' || count(*) || '', "hash": "'''
        ' || coalesce(sum(%s), 0) || ''"}'' FROM ONLY %I.%I ktrdr_row',
    to_json(n.nspname || '.' || c.relname),
    CASE WHEN current_setting('server_version_num')::int >= 140000
        AND NOT EXISTS (SELECT FROM pg_attribute a JOIN pg_type t ON t.oid = a.atttypid
        WHERE a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped
        AND t.typname <> ALL ('{bool,int2,int4,int8,float4,float8,numeric,text,varchar,bpchar,bytea,
        date,time,timestamp,timestamptz,uuid,jsonb}'::name[]))
        THEN 'hashtextextended(hash_record_extended(ktrdr_row.*, 0)::text, 0)'
        ELSE 'hashtextextended((ktrdr_row.*)::text, 0)' END,
    n.nspname, c.relname)
  FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
  WHERE c.relkind = 'r' AND c.relpersistence <> 't' AND n.nspname <> 'information_schema' AND n.nspname !~ '^pg_'
    AND NOT EXISTS (
        SELECT FROM pg_depend d WHERE d.classid = 'pg_class'::regclass AND d.objid = c.oid AND d.deptype = 'e')
  ORDER BY n.nspname, c.relname \gexec
SELECT '{"table": "large objects", "rows": ' || (SELECT count(*) FROM pg_largeobject_metadata) || ', "hash": "'
    || coalesce(sum(hashtextextended(loid || ' ' || pageno || ' ' || encode(content, 'base64'), 0)), 0) || '"}'
  FROM (SELECT loid, pageno, rtrim(data, '\x00') content FROM pg_largeobject OFFSET 0) page WHERE length(content) > 0;
