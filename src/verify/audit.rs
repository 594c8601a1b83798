//! The audit log: each chain is whole from its first entry to its head, and nothing stands beside it.

use super::Check;

pub(super) const CHECKS: &[Check] = &[
    // The encoding is that of ARCHITECTURE, "The audit log": netstrings of UTF-8, `-` for NULL, behind the hash before.
    Check {
        name: "audit.seal_follows_the_one_before",
        says: "A seal is the SHA-256 of the one before it and its own entry, and no number is missing.",
        select: "
            SELECT concat_ws(' ', s.hotel_id, s.seq), s.seq = coalesce(s.before_seq, 0) + 1 AND s.hash = sha256(
                coalesce(s.before_hash, decode(repeat('00', 32), 'hex')) || convert_to((
                    SELECT string_agg(coalesce(octet_length(convert_to(text, 'UTF8')) || ':' || text, '-'), ''
                        ORDER BY place)
                    FROM unnest(ARRAY[s.seq::text, e.hotel_id::text, e.audit_id::text, e.actor_id::text, e.action,
                        e.resource, e.resource_id::text, e.before::text, e.after::text, e.request_id, e.address,
                        (extract(epoch FROM e.created_at) * 1000000)::bigint::text])
                        WITH ORDINALITY AS fields (text, place)), 'UTF8'))
            FROM (
                SELECT *, lag(seq) OVER chain AS before_seq, lag(hash) OVER chain AS before_hash
                FROM audit_seals WINDOW chain AS (PARTITION BY hotel_id ORDER BY seq)
            ) s LEFT JOIN audit_entries e USING (hotel_id, audit_id)",
    },
    Check {
        name: "audit.head_is_the_last_seal",
        says: "The head of a chain is its last seal: nothing was cut off.",
        select: "
            SELECT hotel_id::text, h.seq = s.seq AND h.hash = s.hash
            FROM audit_heads h FULL JOIN (
                SELECT DISTINCT ON (hotel_id) hotel_id, seq, hash FROM audit_seals ORDER BY hotel_id, seq DESC
            ) s USING (hotel_id)",
    },
    Check {
        name: "audit.entry_is_sealed",
        says: "An entry has its seal or waits for it, one of the two.",
        select: "
            SELECT concat_ws(' ', hotel_id, audit_id), e.audit_id IS NOT NULL AND num_nonnulls(s.seq, w.waits) = 1
            FROM audit_entries e
            LEFT JOIN audit_seals s USING (hotel_id, audit_id)
            FULL JOIN (SELECT hotel_id, audit_id, true AS waits FROM audit_unsealed) w USING (hotel_id, audit_id)",
    },
    Check {
        name: "audit.entry_is_sealed_in_time",
        says: "No entry waits for its seal for over an hour: a server runs, and its sealer gets on.",
        select: "
            SELECT concat_ws(' ', hotel_id, audit_id), created_at > clock_timestamp() - interval '1 hour'
            FROM audit_unsealed JOIN audit_entries USING (hotel_id, audit_id)",
    },
];
