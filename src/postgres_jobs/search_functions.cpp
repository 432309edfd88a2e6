#include "postgres_jobs/functions.hpp"

namespace tranter::postgres_jobs {
namespace {

// What the index of words of a period has of each job: lower-case words of ASCII letters and digits
// in its texts, at most 200 bytes of each, and marks, which begin with a capital letter, so that
// they cannot be taken for words:
//   Q5 S3 Tmail:send Gacme Kurgent    queue, state, type, group, tag
//   UNSURE     its texts have other letters, whose case and accents we know better than the
//   database,
//              or are too long: it may have any word
//   UNSURETAG  the same about tags
// Regular expressions stand for words because a call of translate() for thirty characters takes
// twice as long, and to_tsvector() has ideas of its own about what is an address or a number.
constexpr std::string_view search_sql = R"sql(
CREATE FUNCTION tranter.words_in(value text) RETURNS text[]
LANGUAGE plpgsql IMMUTABLE PARALLEL SAFE COST 500 AS $$
DECLARE
    words text[];
BEGIN
    IF value IS NULL OR value = '' THEN
        RETURN '{}';
    END IF;
    IF pg_catalog.octet_length(value) > 500000 THEN
        RETURN '{UNSURE}';
    END IF;
    IF pg_catalog.strpos(value, '\') > 0 THEN
        words := pg_catalog.regexp_split_to_array(pg_catalog.lower(pg_catalog.regexp_replace(
            value, '\\(u[0-9a-fA-F]{4}|.)', ' ', 'g') COLLATE "C"), '[^a-z0-9]+');
    ELSE
        words := pg_catalog.regexp_split_to_array(pg_catalog.lower(value COLLATE "C"), '[^a-z0-9]+');
    END IF;
    IF pg_catalog.octet_length(value) > 200 THEN
        words := ARRAY(SELECT DISTINCT pg_catalog.left(word, 200) FROM pg_catalog.unnest(words) word);
    END IF;
    IF pg_catalog.octet_length(value) <> pg_catalog.char_length(value)
        OR pg_catalog.strpos(value, '\u') > 0
    THEN
        words := words || 'UNSURE'::text;
    END IF;
    RETURN pg_catalog.array_remove(words, '');
END
$$;

CREATE FUNCTION tranter.search_words(
    queue_id integer, state smallint, type text, job_group text, options text, payload text,
    result text, failures text) RETURNS tsvector
LANGUAGE plpgsql IMMUTABLE PARALLEL RESTRICTED COST 1000 AS $$
DECLARE
    marks text[] := ARRAY['Q' || queue_id, 'S' || state, 'T' || type];
    texts text := payload;
BEGIN
    IF job_group <> '' THEN
        marks := marks || ('G' || job_group);
    END IF;
    IF pg_catalog.strpos(options, '"tags"') > 0 THEN
        IF pg_catalog.strpos(options, '\') > 0 THEN
            marks := marks || 'UNSURETAG'::text;
        ELSE
            marks := marks || ARRAY(
                SELECT 'K' || tag FROM pg_catalog.jsonb_array_elements_text(
                    options::jsonb -> 'tags') tag);
        END IF;
    END IF;
    IF result IS NOT NULL THEN
        texts := texts || ' ' || result;
    END IF;
    IF failures IS NOT NULL THEN
        texts := texts || ' ' || failures;
    END IF;
    RETURN pg_catalog.array_to_tsvector(marks || tranter.words_in(texts));
END
$$;

CREATE FUNCTION tranter.log_words(lines text[]) RETURNS tsvector
LANGUAGE plpgsql IMMUTABLE PARALLEL SAFE COST 1000 AS $$
BEGIN
    RETURN pg_catalog.array_to_tsvector(
        tranter.words_in(pg_catalog.replace(pg_catalog.array_to_string(lines, ' '), '\', '/')));
END
$$;

CREATE INDEX job_logs_words ON tranter.job_logs USING gin(tranter.log_words(lines));
)sql";

}  // namespace

std::string_view search_functions() {
    return search_sql;
}

}  // namespace tranter::postgres_jobs
