//! Access: there is always somebody to ask.

use super::Check;

pub(super) const CHECKS: &[Check] = &[
    // Before the first admin is made nobody need be one: hotels may be imported, and guests register. That there has been
    // one is told by the grant, or by the audit log, which keeps it when the grant is gone.
    Check {
        name: "access.somebody_administers",
        says: "Once there has been an admin, somebody enabled is one, and somebody enabled may change users and roles.",
        select: "
            SELECT needed.what, bool_or(u.user_id IS NOT NULL AND u.disabled_at IS NULL)
            FROM (
                SELECT 'role admin' AS what, 'admin' AS role
                UNION ALL SELECT 'permission users:write', role FROM (SELECT 'users:write' AS permission) wanted
                    LEFT JOIN role_permissions USING (permission)
            ) needed LEFT JOIN user_roles USING (role) LEFT JOIN users u USING (user_id)
            WHERE EXISTS (SELECT FROM user_roles WHERE role = 'admin') OR EXISTS (
                SELECT FROM audit_entries
                WHERE resource = 'role' AND action = 'granted' AND after ->> 'role' = 'admin')
            GROUP BY needed.what",
    },
];
