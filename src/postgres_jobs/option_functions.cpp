#include "postgres_jobs/functions.hpp"

namespace tranter::postgres_jobs {
namespace {

// Options of jobs as JSON, as the Jobs API has them (src/jobs/wire.hpp), checked by the rules of
// src/jobs/new_job.cpp, since whoever enqueues from SQL is no program of ours. Texts begin with
// `about`, which says which job of several it is. tranter.refuse raises TR001 (invalid_argument).
//   read_*   answer what is to be kept, in the form that src/jobs/job_json.cpp writes
// Called with a search_path that has nothing but pg_catalog, and with JSON without nulls.
constexpr std::string_view option_sql = R"sql(
CREATE FUNCTION tranter.refuse(problem text) RETURNS void
LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION USING ERRCODE = 'TR001', MESSAGE = problem;
END
$$;

CREATE FUNCTION tranter.shown(said jsonb) RETURNS text
LANGUAGE sql AS $$
    SELECT CASE WHEN length(said::text) > 66 THEN left(said::text, 64) || '...'
        ELSE coalesce(said::text, 'null') END
$$;

-- The same distance as base/suggest.hpp; only errors call it.
CREATE FUNCTION tranter.nearest_of(word text, candidates text[]) RETURNS text
LANGUAGE plpgsql AS $$
DECLARE
    candidate text;
    nearest text := '';
    best integer := greatest(1, length(word) / 3) + 1;
    before integer[];
    previous integer[];
    current integer[];
BEGIN
    IF length(word) NOT BETWEEN 1 AND 64 THEN
        RETURN '';
    END IF;
    FOREACH candidate IN ARRAY candidates LOOP
        previous := ARRAY(SELECT generate_series(0, length(candidate)));
        before := previous;
        FOR i IN 1..length(word) LOOP
            current := ARRAY[i];
            FOR j IN 1..length(candidate) LOOP
                current[j + 1] := least(
                    previous[j + 1] + 1, current[j] + 1,
                    previous[j] + (lower(substr(word, i, 1)) <> substr(candidate, j, 1))::integer);
                IF i > 1 AND j > 1 AND lower(substr(word, i, 1)) = substr(candidate, j - 1, 1)
                    AND lower(substr(word, i - 1, 1)) = substr(candidate, j, 1) THEN
                    current[j + 1] := least(current[j + 1], before[j - 1] + 1);
                END IF;
            END LOOP;
            before := previous;
            previous := current;
        END LOOP;
        IF previous[length(candidate) + 1] < least(best, length(candidate)) THEN
            best := previous[length(candidate) + 1];
            nearest := candidate;
        END IF;
    END LOOP;
    RETURN nearest;
END
$$;

CREATE FUNCTION tranter.check_members(about text, path text, said jsonb, known text[])
RETURNS void
LANGUAGE plpgsql AS $$
DECLARE
    unknown text;
    nearest text;
BEGIN
    IF jsonb_typeof(said) <> 'object' THEN
        PERFORM tranter.refuse(
            format('%s%s is %s, it must be an object', about, path, tranter.shown(said)));
    END IF;
    SELECT name INTO unknown FROM jsonb_object_keys(said) name WHERE name <> ALL(known) LIMIT 1;
    IF FOUND THEN
        nearest := tranter.nearest_of(unknown, known);
        PERFORM tranter.refuse(format(
            '%s%s has the unknown member %s%s', about, path, tranter.shown(to_jsonb(unknown)),
            CASE WHEN nearest = '' THEN ', known are ' || array_to_string(known, ', ')
                ELSE format(' (did you mean %s?)', nearest) END));
    END IF;
END
$$;

CREATE FUNCTION tranter.text_of(about text, name text, said jsonb, bytes_max integer) RETURNS text
LANGUAGE plpgsql AS $$
DECLARE
    value text := said #>> '{}';
BEGIN
    IF jsonb_typeof(said) <> 'string' OR value ~ '[\x01-\x1f]' THEN
        PERFORM tranter.refuse(format(
            '%s%s is %s, it must be text without control characters', about, name,
            tranter.shown(said)));
    END IF;
    IF octet_length(value) > bytes_max THEN
        PERFORM tranter.refuse(format(
            '%s%s is %s bytes, limit is %s', about, name, octet_length(value), bytes_max));
    END IF;
    RETURN value;
END
$$;

CREATE FUNCTION tranter.integer_of(
    about text, name text, said jsonb, lowest bigint, highest bigint)
RETURNS bigint
LANGUAGE plpgsql AS $$
BEGIN
    IF jsonb_typeof(said) = 'number' AND said::text ~ '^-?[0-9]{1,18}$'
        AND said::text::bigint BETWEEN lowest AND highest THEN
        RETURN said::text::bigint;
    END IF;
    PERFORM tranter.refuse(format(
        '%s%s is %s, it must be a whole number from %s to %s', about, name, tranter.shown(said),
        lowest, highest));
END
$$;

CREATE FUNCTION tranter.number_of(
    about text, name text, said jsonb, lowest numeric, highest numeric)
RETURNS numeric
LANGUAGE plpgsql AS $$
BEGIN
    IF jsonb_typeof(said) = 'number' AND said::text::numeric BETWEEN lowest AND highest THEN
        RETURN said::text::numeric;
    END IF;
    PERFORM tranter.refuse(format(
        '%s%s is %s, it must be a number from %s to %s', about, name, tranter.shown(said), lowest,
        highest));
END
$$;

-- In microseconds, of which only whole milliseconds can be kept.
CREATE FUNCTION tranter.duration_of(about text, name text, said jsonb) RETURNS bigint
LANGUAGE plpgsql AS $$
DECLARE
    parts text[] := regexp_match(said #>> '{}', '^([0-9]{1,15}(?:\.[0-9]{1,6})?)[ \t]*([a-z]+)$');
    factor bigint := CASE
        WHEN parts[2] IN ('ms', 'milli', 'millis', 'millisecond', 'milliseconds') THEN 1000
        WHEN parts[2] IN ('s', 'sec', 'secs', 'second', 'seconds') THEN 1000000
        WHEN parts[2] IN ('m', 'min', 'mins', 'minute', 'minutes') THEN 60000000
        WHEN parts[2] IN ('h', 'hour', 'hours') THEN 3600000000
        WHEN parts[2] IN ('d', 'day', 'days') THEN 86400000000 END;
    micros numeric := parts[1]::numeric * factor;
BEGIN
    IF jsonb_typeof(said) <> 'string' OR micros IS NULL OR micros % 1000 <> 0 THEN
        PERFORM tranter.refuse(format(
            '%s%s is %s, it must be text with a number and a unit, like "30s", "5m" or "1500ms"',
            about, name, tranter.shown(said)));
    END IF;
    IF micros > 315360000000000 THEN
        PERFORM tranter.refuse(format(
            '%s%s is %s, limit is 3650d', about, name, tranter.shown(said)));
    END IF;
    RETURN micros;
END
$$;

CREATE FUNCTION tranter.duration_text(micros bigint) RETURNS text
LANGUAGE sql AS $$
    SELECT CASE WHEN micros % 1000000 = 0 THEN micros / 1000000 || 's'
        ELSE micros / 1000 || 'ms' END
$$;

-- In microseconds since 1970.
CREATE FUNCTION tranter.moment_of(about text, name text, said jsonb) RETURNS bigint
LANGUAGE plpgsql AS $$
DECLARE
    part text[] := regexp_match(
        said #>> '{}',
        '^([0-9]{4})-([0-9]{2})-([0-9]{2})[Tt]([0-9]{2}):([0-9]{2}):([0-9]{2}(?:\.[0-9]{1,6})?)'
        '(?:[Zz]|([+-])([0-9]{2}):([0-9]{2}))$');
    ahead interval;
    micros numeric;
BEGIN
    IF jsonb_typeof(said) = 'string' AND part[1] >= '1970' AND part[2] BETWEEN '01' AND '12'
        AND part[3] >= '01' AND part[4] < '24' AND part[5] < '60' AND part[6] < '60'
        AND coalesce(part[8], '00') < '24' AND coalesce(part[9], '00') < '60' THEN
        IF part[3]::integer <= extract(day FROM make_date(part[1]::integer, part[2]::integer, 1)
            + interval '1 month' - interval '1 day') THEN
            ahead := make_interval(
                hours => coalesce(part[8], '0')::integer, mins => coalesce(part[9], '0')::integer);
            micros := 1000000 * (part[6]::numeric + extract(epoch FROM make_timestamp(
                part[1]::integer, part[2]::integer, part[3]::integer, part[4]::integer,
                part[5]::integer, 0)
                - CASE WHEN part[7] = '-' THEN -ahead ELSE ahead END)::numeric);
            IF micros < 253402300800000000 THEN
                RETURN greatest(0, micros);
            END IF;
        END IF;
    END IF;
    PERFORM tranter.refuse(format(
        '%s%s is %s, it must be a time from 1970 on, before the year 10000, like '
        '"2027-01-31T08:00:00Z"', about, name, tranter.shown(said)));
END
$$;

CREATE FUNCTION tranter.read_retry(about text, said jsonb) RETURNS jsonb
LANGUAGE plpgsql AS $$
DECLARE
    base bigint := 2000000;
    most bigint := 3600000000;
BEGIN
    PERFORM tranter.check_members(
        about, 'retry', said, '{max_attempts, base, factor, max, jitter}');
    IF said ? 'max_attempts' THEN
        PERFORM tranter.integer_of(
            about, 'retry.max_attempts', said -> 'max_attempts', 1, 4294967295);
    END IF;
    IF said ? 'factor' THEN
        PERFORM tranter.number_of(about, 'retry.factor', said -> 'factor', 1, 1e300);
    END IF;
    IF said ? 'jitter' THEN
        PERFORM tranter.number_of(about, 'retry.jitter', said -> 'jitter', 0, 1);
    END IF;
    IF said ? 'base' THEN
        base := tranter.duration_of(about, 'retry.base', said -> 'base');
        said := said || jsonb_build_object('base', tranter.duration_text(base));
    END IF;
    IF said ? 'max' THEN
        most := tranter.duration_of(about, 'retry.max', said -> 'max');
        said := said || jsonb_build_object('max', tranter.duration_text(most));
    END IF;
    IF most < base THEN
        PERFORM tranter.refuse(format(
            '%sretry.max is %s, which is below retry.base, %s', about,
            tranter.duration_text(most), tranter.duration_text(base)));
    END IF;
    RETURN nullif(said, '{}');
END
$$;

CREATE FUNCTION tranter.read_dedup(
    about text, said jsonb, OUT kept jsonb, OUT key text, OUT mode smallint, OUT ttl bigint)
LANGUAGE plpgsql AS $$
DECLARE
    modes text[] := '{simple, throttle, debounce, keep_latest}';
BEGIN
    PERFORM tranter.check_members(about, 'dedup', said, '{key, mode, ttl}');
    key := tranter.text_of(about, 'dedup.key', coalesce(said -> 'key', '""'), 255);
    IF key = '' THEN
        PERFORM tranter.refuse(about || 'dedup.key is empty, it must be 1 to 255 bytes');
    END IF;
    IF starts_with(key, 'tranter.row:') THEN
        PERFORM tranter.refuse(format(
            '%sdedup.key is %s, only rows of adopted tables have keys that begin with '
            '"tranter.row:"', about, tranter.shown(said -> 'key')));
    END IF;
    mode := array_position(modes, coalesce(said ->> 'mode', 'simple')) - 1;
    IF mode IS NULL THEN
        PERFORM tranter.refuse(format(
            '%sdedup.mode is %s, it must be simple, throttle, debounce or keep_latest', about,
            tranter.shown(said -> 'mode')));
    END IF;
    ttl := 0;
    IF said ? 'ttl' THEN
        ttl := tranter.duration_of(about, 'dedup.ttl', said -> 'ttl');
    END IF;
    IF mode = 1 AND ttl = 0 THEN
        PERFORM tranter.refuse(
            about || 'dedup.ttl is 0, throttle needs the time for which it holds');
    END IF;
    IF mode IN (0, 3) AND ttl <> 0 THEN
        PERFORM tranter.refuse(format(
            '%sdedup.ttl is %s, only throttle and debounce have one', about,
            tranter.shown(said -> 'ttl')));
    END IF;
    kept := jsonb_build_object('key', key, 'mode', modes[mode + 1]);
    IF ttl <> 0 THEN
        kept := kept || jsonb_build_object('ttl', tranter.duration_text(ttl));
    END IF;
END
$$;

CREATE FUNCTION tranter.read_tags(about text, said jsonb) RETURNS jsonb
LANGUAGE plpgsql AS $$
DECLARE
    tag jsonb;
BEGIN
    IF jsonb_typeof(said) <> 'array' THEN
        PERFORM tranter.refuse(
            format('%stags is %s, it must be an array of text', about, tranter.shown(said)));
    END IF;
    IF jsonb_array_length(said) > 16 THEN
        PERFORM tranter.refuse(
            format('%stags are %s, limit is 16', about, jsonb_array_length(said)));
    END IF;
    FOR tag IN SELECT jsonb_array_elements(said) LOOP
        IF tranter.text_of(about, 'tag', tag, 128) = '' THEN
            PERFORM tranter.refuse(about || 'tag is empty, it must be 1 to 128 bytes');
        END IF;
    END LOOP;
    RETURN nullif(said, '[]');
END
$$;
)sql";

}  // namespace

std::string_view option_functions() {
    return option_sql;
}

}  // namespace tranter::postgres_jobs
