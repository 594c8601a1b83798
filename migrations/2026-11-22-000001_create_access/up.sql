CREATE TABLE users (
    user_id uuid PRIMARY KEY,
    email text NOT NULL,
    email_key text NOT NULL CONSTRAINT users_email_key UNIQUE,
    full_name text NOT NULL,
    password_hash text NOT NULL,
    email_verified_at timestamptz,
    disabled_at timestamptz,
    version integer NOT NULL DEFAULT 1,
    created_at timestamptz NOT NULL DEFAULT clock_timestamp()
);
CREATE INDEX users_disabled ON users (user_id) WHERE disabled_at IS NOT NULL;
COMMENT ON TABLE users IS 'Everybody who can sign in. Tables of a hotel name a user by id without a foreign key: they may live on other shards.';
COMMENT ON COLUMN users.email IS 'As typed; shown back.';
COMMENT ON COLUMN users.email_key IS 'Lower-cased address by which a user is found.';
COMMENT ON COLUMN users.password_hash IS 'argon2id, PHC string.';

CREATE TABLE roles (
    role text PRIMARY KEY,
    description text NOT NULL,
    version integer NOT NULL DEFAULT 1
);
CREATE TABLE permissions (
    permission text PRIMARY KEY,
    description text NOT NULL
);
CREATE TABLE role_permissions (
    role text NOT NULL REFERENCES roles ON DELETE CASCADE,
    permission text NOT NULL REFERENCES permissions ON DELETE CASCADE,
    PRIMARY KEY (role, permission)
);
CREATE INDEX role_permissions_permission ON role_permissions (permission);
CREATE TABLE user_roles (
    user_id uuid NOT NULL REFERENCES users ON DELETE CASCADE,
    role text NOT NULL REFERENCES roles,
    granted_at timestamptz NOT NULL DEFAULT clock_timestamp(),
    PRIMARY KEY (user_id, role)
);
CREATE INDEX user_roles_role ON user_roles (role);
COMMENT ON TABLE user_roles IS 'Roles of a user; what a role may do is role_permissions. Handlers ask for a permission, never for a role.';

CREATE TABLE sessions (
    user_id uuid NOT NULL REFERENCES users ON DELETE CASCADE,
    session_id uuid NOT NULL,
    generation integer NOT NULL DEFAULT 1 CONSTRAINT sessions_generation_positive CHECK (generation > 0),
    rotated_at timestamptz NOT NULL DEFAULT clock_timestamp(),
    expires_at timestamptz NOT NULL,
    revoked_at timestamptz,
    revoked_because text,
    user_agent text,
    address text,
    created_at timestamptz NOT NULL DEFAULT clock_timestamp(),
    last_used_at timestamptz NOT NULL DEFAULT clock_timestamp(),
    last_user_agent text,
    last_address text,
    PRIMARY KEY (user_id, session_id),
    CONSTRAINT sessions_revocation_has_reason CHECK ((revoked_at IS NULL) = (revoked_because IS NULL)),
    CONSTRAINT sessions_revoked_because_known CHECK (revoked_because IN ('logout', 'refresh_token_reused', 'password_changed', 'revoked', 'disabled'))
);
CREATE INDEX sessions_session ON sessions (session_id);
CREATE INDEX sessions_ended ON sessions (least(expires_at, revoked_at));
COMMENT ON TABLE sessions IS 'One refresh-token family a sign-in. Access tokens name it in sid and stop working when it is revoked.';
COMMENT ON COLUMN sessions.generation IS 'The refresh token now valid; its immediate predecessor is answered with it again within the grace.';
COMMENT ON COLUMN sessions.rotated_at IS 'When this generation began: the grace of its predecessor counts from here.';
COMMENT ON COLUMN sessions.address IS 'From where it was opened, for good: only there has its user shown the password.';
COMMENT ON COLUMN sessions.last_used_at IS 'When it was last given tokens, also within the grace, which rotates nothing.';

CREATE TABLE refresh_tokens (
    user_id uuid NOT NULL,
    session_id uuid NOT NULL,
    generation integer NOT NULL,
    token_hash bytea NOT NULL CONSTRAINT refresh_tokens_hash_key UNIQUE,
    created_at timestamptz NOT NULL DEFAULT clock_timestamp(),
    PRIMARY KEY (user_id, session_id, generation),
    FOREIGN KEY (user_id, session_id) REFERENCES sessions ON DELETE CASCADE
);
COMMENT ON COLUMN refresh_tokens.token_hash IS 'SHA-256 of the opaque token; the token itself is never stored.';

CREATE TABLE token_keys (
    generation integer PRIMARY KEY CONSTRAINT token_keys_generation_positive CHECK (generation > 0),
    signs_from timestamptz NOT NULL DEFAULT clock_timestamp(),
    retires_at timestamptz,
    created_at timestamptz NOT NULL DEFAULT clock_timestamp()
);
CREATE UNIQUE INDEX token_keys_one_lasting ON token_keys ((true)) WHERE retires_at IS NULL;
COMMENT ON TABLE token_keys IS 'Which keys sign and verify access tokens, and when. The key pairs themselves derive from the secret and the generation, and are nowhere stored.';
COMMENT ON COLUMN token_keys.signs_from IS 'The newest key whose time has come signs. It is published before that, so that whoever keeps the public keys has it in time.';
COMMENT ON COLUMN token_keys.retires_at IS 'From then on it verifies nothing. NULL for the newest, and for no other.';
INSERT INTO token_keys (generation) VALUES (1);

CREATE TABLE throttles (
    subject text NOT NULL CONSTRAINT throttles_subject_known CHECK (subject IN ('account', 'address', 'booking_code', 'password', 'registration')),
    key bytea NOT NULL,
    failures integer NOT NULL CONSTRAINT throttles_failures_natural CHECK (failures >= 0),
    paused_until timestamptz,
    forgotten_at timestamptz NOT NULL,
    PRIMARY KEY (subject, key)
);
CREATE INDEX throttles_forgotten ON throttles (forgotten_at);
COMMENT ON TABLE throttles IS 'Failures of those who guess: at an account, at a booking''s code, or from an address; and registrations from one. There is a row whether or not there is such an account.';
COMMENT ON COLUMN throttles.key IS 'A MAC of what was guessed at, or of the address: the table tells neither.';
COMMENT ON COLUMN throttles.failures IS 'Attempts under way count as failed until they succeed.';
COMMENT ON COLUMN throttles.forgotten_at IS 'From when on the count begins anew, and the row may go.';

INSERT INTO roles (role, description) VALUES
    ('guest', 'Books, and sees only what is theirs'),
    ('manager', 'Runs the hotels they are a member of, nothing else'),
    ('admin', 'Everything');
INSERT INTO permissions (permission, description) VALUES
    ('stays:search', 'Search hotels, see offers'),
    ('stays:book', 'Quote, hold, pay for and book stays of one''s own'),
    ('hotels:read', 'See hotels as their staff do'),
    ('hotels:write', 'Change hotels, room types, rooms and taxes'),
    ('hotels:create', 'Create hotels'),
    ('hotels:any', 'Reach every hotel, a member of it or not'),
    ('inventory:write', 'Change capacity and closures'),
    ('rates:write', 'Change rate plans and prices'),
    ('bookings:read_any', 'See every booking of a hotel'),
    ('bookings:write_any', 'Change any booking of a hotel'),
    ('payments:refund', 'Refund captured payments'),
    ('reports:read', 'Read occupancy reports'),
    ('members:write', 'Grant and revoke membership of a hotel'),
    ('users:read', 'See users and roles'),
    ('users:write', 'Disable users, grant and revoke roles, say what a role may do'),
    ('audit:read', 'Read the audit log');
INSERT INTO role_permissions (role, permission) VALUES
    ('guest', 'stays:search'),
    ('guest', 'stays:book'),
    ('manager', 'stays:search'),
    ('manager', 'hotels:read'),
    ('manager', 'hotels:write'),
    ('manager', 'inventory:write'),
    ('manager', 'rates:write'),
    ('manager', 'bookings:read_any'),
    ('manager', 'bookings:write_any'),
    ('manager', 'payments:refund'),
    ('manager', 'reports:read'),
    ('manager', 'audit:read');
INSERT INTO role_permissions (role, permission) SELECT 'admin', permission FROM permissions;
