// @generated automatically by Diesel CLI.

diesel::table! {
    audit_entries (hotel_id, audit_id) {
        hotel_id -> Uuid,
        audit_id -> Uuid,
        actor_id -> Nullable<Uuid>,
        action -> Text,
        resource -> Text,
        resource_id -> Nullable<Uuid>,
        before -> Nullable<Jsonb>,
        after -> Nullable<Jsonb>,
        request_id -> Nullable<Text>,
        address -> Nullable<Text>,
        created_at -> Timestamptz,
    }
}

diesel::table! {
    audit_heads (hotel_id) {
        hotel_id -> Uuid,
        seq -> Int8,
        hash -> Bytea,
    }
}

diesel::table! {
    audit_seals (hotel_id, seq) {
        hotel_id -> Uuid,
        audit_id -> Uuid,
        seq -> Int8,
        hash -> Bytea,
        sealed_at -> Timestamptz,
    }
}

diesel::table! {
    audit_unsealed (hotel_id, audit_id) {
        hotel_id -> Uuid,
        audit_id -> Uuid,
    }
}

diesel::table! {
    booking_nights (hotel_id, booking_room_id, stay_date) {
        hotel_id -> Uuid,
        booking_room_id -> Uuid,
        stay_date -> Date,
        room_type_id -> Uuid,
        room_id -> Nullable<Uuid>,
    }
}

diesel::table! {
    booking_rooms (hotel_id, booking_room_id) {
        hotel_id -> Uuid,
        booking_room_id -> Uuid,
        booking_id -> Uuid,
        quote_id -> Uuid,
        room_type_id -> Uuid,
        rate_plan_id -> Uuid,
        check_in -> Date,
        check_out -> Date,
        adults -> Int2,
        children_ages -> Array<Nullable<Int2>>,
        price -> Jsonb,
    }
}

diesel::table! {
    bookings (hotel_id, booking_id) {
        hotel_id -> Uuid,
        booking_id -> Uuid,
        hold_id -> Uuid,
        user_id -> Uuid,
        confirmation_code -> Text,
        status -> Text,
        guest_full_name -> Text,
        guest_email -> Text,
        guest_email_key -> Text,
        guest_phone -> Nullable<Text>,
        special_requests -> Nullable<Text>,
        check_in -> Date,
        check_out -> Date,
        currency -> Text,
        total -> Int8,
        due_now -> Int8,
        due_at_property -> Int8,
        penalty -> Nullable<Int8>,
        cancelled_at -> Nullable<Timestamptz>,
        version -> Int4,
        created_at -> Timestamptz,
    }
}

diesel::table! {
    cancellation_tiers (hotel_id, rate_plan_id, until_hours_before_check_in) {
        hotel_id -> Uuid,
        rate_plan_id -> Uuid,
        until_hours_before_check_in -> Int4,
        penalty_percent -> Nullable<Numeric>,
        penalty_nights -> Nullable<Int2>,
        penalty_amount -> Nullable<Int8>,
    }
}

diesel::table! {
    child_bands (hotel_id, rate_plan_id, max_age) {
        hotel_id -> Uuid,
        rate_plan_id -> Uuid,
        max_age -> Int2,
        amount -> Int8,
    }
}

diesel::table! {
    hold_items (hotel_id, hold_id, item_no) {
        hotel_id -> Uuid,
        hold_id -> Uuid,
        item_no -> Int2,
        quote_id -> Uuid,
    }
}

diesel::table! {
    hold_nights (hotel_id, hold_id, room_type_id, stay_date) {
        hotel_id -> Uuid,
        hold_id -> Uuid,
        room_type_id -> Uuid,
        stay_date -> Date,
        rooms -> Int2,
    }
}

diesel::table! {
    holds (hotel_id, hold_id) {
        hotel_id -> Uuid,
        hold_id -> Uuid,
        user_id -> Uuid,
        status -> Text,
        currency -> Text,
        total -> Int8,
        due_now -> Int8,
        due_at_property -> Int8,
        expires_at -> Timestamptz,
        paying_until -> Nullable<Timestamptz>,
        live_until -> Nullable<Timestamptz>,
        current_attempt -> Nullable<Uuid>,
        extensions -> Int2,
        booking_id -> Nullable<Uuid>,
        version -> Int4,
        created_at -> Timestamptz,
    }
}

diesel::table! {
    hotel_members (hotel_id, user_id) {
        hotel_id -> Uuid,
        user_id -> Uuid,
        granted_at -> Timestamptz,
    }
}

diesel::table! {
    hotels (hotel_id) {
        hotel_id -> Uuid,
        external_key -> Nullable<Text>,
        name -> Text,
        city -> Text,
        city_key -> Text,
        country -> Text,
        time_zone -> Text,
        currency -> Text,
        lat -> Nullable<Float8>,
        lon -> Nullable<Float8>,
        stars -> Nullable<Int2>,
        address -> Nullable<Text>,
        description -> Nullable<Text>,
        amenities -> Array<Nullable<Text>>,
        photos -> Array<Nullable<Text>>,
        check_in_time -> Time,
        check_out_time -> Time,
        horizon_days -> Int4,
        version -> Int4,
        created_at -> Timestamptz,
        deleted_at -> Nullable<Timestamptz>,
    }
}

diesel::table! {
    idempotency_keys (user_id, scope, key) {
        user_id -> Uuid,
        scope -> Text,
        key -> Text,
        body_hash -> Bytea,
        status -> Nullable<Int2>,
        body -> Nullable<Text>,
        location -> Nullable<Text>,
        lease_until -> Nullable<Timestamptz>,
        epoch -> Int4,
        hotel_id -> Nullable<Uuid>,
        resource_id -> Nullable<Uuid>,
        created_at -> Timestamptz,
        finished_at -> Nullable<Timestamptz>,
    }
}

diesel::table! {
    inventory (hotel_id, room_type_id, stay_date) {
        hotel_id -> Uuid,
        room_type_id -> Uuid,
        stay_date -> Date,
        capacity -> Int4,
        out_of_service -> Int4,
        allowance -> Int4,
        held -> Int4,
        sold -> Int4,
        closed -> Bool,
        version -> Int4,
    }
}

diesel::table! {
    jobs (hotel_id, job_id) {
        hotel_id -> Uuid,
        job_id -> Uuid,
        kind -> Text,
        subject_id -> Uuid,
        lane -> Uuid,
        run_at -> Timestamptz,
        leased_until -> Nullable<Timestamptz>,
        tries -> Int4,
        last_error -> Nullable<Text>,
        done_at -> Nullable<Timestamptz>,
        created_at -> Timestamptz,
    }
}

diesel::table! {
    ledger_lines (hotel_id, movement_id, account) {
        hotel_id -> Uuid,
        movement_id -> Uuid,
        account -> Text,
        kind -> Text,
        amount -> Int8,
        currency -> Text,
        payment_id -> Uuid,
        refund_id -> Nullable<Uuid>,
        created_at -> Timestamptz,
    }
}

diesel::table! {
    outbox_events (hotel_id, event_id) {
        hotel_id -> Uuid,
        event_id -> Uuid,
        topic -> Text,
        subject_id -> Uuid,
        payload -> Jsonb,
        created_at -> Timestamptz,
    }
}

diesel::table! {
    payment_attempts (hotel_id, attempt_id) {
        hotel_id -> Uuid,
        attempt_id -> Uuid,
        payment_id -> Uuid,
        provider -> Text,
        provider_key -> Text,
        payment_method -> Text,
        intent_id -> Nullable<Text>,
        next_action_url -> Nullable<Text>,
        recovery_point -> Text,
        epoch -> Int4,
        lease_until -> Timestamptz,
        created_at -> Timestamptz,
    }
}

diesel::table! {
    payments (hotel_id, payment_id) {
        hotel_id -> Uuid,
        payment_id -> Uuid,
        hold_id -> Uuid,
        user_id -> Uuid,
        status -> Text,
        amount -> Int8,
        tax_amount -> Int8,
        currency -> Text,
        capture_amount -> Nullable<Int8>,
        captured_amount -> Int8,
        failure_code -> Nullable<Text>,
        version -> Int4,
        created_at -> Timestamptz,
    }
}

diesel::table! {
    permissions (permission) {
        permission -> Text,
        description -> Text,
    }
}

diesel::table! {
    quotes (hotel_id, quote_id) {
        hotel_id -> Uuid,
        quote_id -> Uuid,
        user_id -> Uuid,
        room_type_id -> Uuid,
        rate_plan_id -> Uuid,
        check_in -> Date,
        check_out -> Date,
        adults -> Int2,
        children_ages -> Array<Nullable<Int2>>,
        rooms -> Int2,
        currency -> Text,
        total -> Int8,
        due_now -> Int8,
        due_at_property -> Int8,
        price -> Jsonb,
        priced_from -> Bytea,
        expires_at -> Timestamptz,
        created_at -> Timestamptz,
    }
}

diesel::table! {
    rate_plan_room_types (hotel_id, rate_plan_id, room_type_id) {
        hotel_id -> Uuid,
        rate_plan_id -> Uuid,
        room_type_id -> Uuid,
        removed_at -> Nullable<Timestamptz>,
    }
}

diesel::table! {
    rate_plans (hotel_id, rate_plan_id) {
        hotel_id -> Uuid,
        rate_plan_id -> Uuid,
        name -> Text,
        meal_plan -> Text,
        payment_policy -> Text,
        derived_from -> Nullable<Uuid>,
        derived_percent -> Nullable<Numeric>,
        derived_amount -> Nullable<Int8>,
        is_derived -> Bool,
        base_is_derived -> Nullable<Bool>,
        min_stay -> Nullable<Int2>,
        max_stay -> Nullable<Int2>,
        min_advance_days -> Nullable<Int2>,
        max_advance_days -> Nullable<Int2>,
        version -> Int4,
        created_at -> Timestamptz,
        deleted_at -> Nullable<Timestamptz>,
    }
}

diesel::table! {
    rates (hotel_id, rate_plan_id, room_type_id, stay_date) {
        hotel_id -> Uuid,
        rate_plan_id -> Uuid,
        room_type_id -> Uuid,
        stay_date -> Date,
        price -> Nullable<Int8>,
        min_stay -> Nullable<Int2>,
        max_stay -> Nullable<Int2>,
        closed -> Bool,
        closed_to_arrival -> Bool,
        closed_to_departure -> Bool,
        version -> Int4,
    }
}

diesel::table! {
    refresh_tokens (user_id, session_id, generation) {
        user_id -> Uuid,
        session_id -> Uuid,
        generation -> Int4,
        token_hash -> Bytea,
        created_at -> Timestamptz,
    }
}

diesel::table! {
    refunds (hotel_id, refund_id) {
        hotel_id -> Uuid,
        refund_id -> Uuid,
        payment_id -> Uuid,
        amount -> Int8,
        reason -> Text,
        status -> Text,
        provider_key -> Text,
        failure_code -> Nullable<Text>,
        created_at -> Timestamptz,
    }
}

diesel::table! {
    role_permissions (role, permission) {
        role -> Text,
        permission -> Text,
    }
}

diesel::table! {
    roles (role) {
        role -> Text,
        description -> Text,
        version -> Int4,
    }
}

diesel::table! {
    room_types (hotel_id, room_type_id) {
        hotel_id -> Uuid,
        room_type_id -> Uuid,
        name -> Text,
        max_adults -> Int2,
        max_children -> Int2,
        max_occupancy -> Int2,
        beds -> Jsonb,
        amenities -> Array<Nullable<Text>>,
        description -> Nullable<Text>,
        version -> Int4,
        created_at -> Timestamptz,
        deleted_at -> Nullable<Timestamptz>,
    }
}

diesel::table! {
    rooms (hotel_id, room_id) {
        hotel_id -> Uuid,
        room_id -> Uuid,
        room_type_id -> Uuid,
        number -> Text,
        floor -> Nullable<Text>,
        status -> Text,
        version -> Int4,
        created_at -> Timestamptz,
        deleted_at -> Nullable<Timestamptz>,
    }
}

diesel::table! {
    sessions (user_id, session_id) {
        user_id -> Uuid,
        session_id -> Uuid,
        generation -> Int4,
        rotated_at -> Timestamptz,
        expires_at -> Timestamptz,
        revoked_at -> Nullable<Timestamptz>,
        revoked_because -> Nullable<Text>,
        user_agent -> Nullable<Text>,
        address -> Nullable<Text>,
        created_at -> Timestamptz,
        last_used_at -> Timestamptz,
        last_user_agent -> Nullable<Text>,
        last_address -> Nullable<Text>,
    }
}

diesel::table! {
    simulator_deliveries (delivery_id) {
        delivery_id -> Uuid,
        event_id -> Text,
        send_at -> Timestamptz,
        tries -> Int4,
        last_error -> Nullable<Text>,
        delivered_at -> Nullable<Timestamptz>,
    }
}

diesel::table! {
    simulator_events (event_id) {
        event_id -> Text,
        intent_id -> Text,
        event_type -> Text,
        body -> Jsonb,
        created_at -> Timestamptz,
    }
}

diesel::table! {
    simulator_intents (intent_id) {
        intent_id -> Text,
        status -> Text,
        amount -> Int8,
        currency -> Text,
        payment_method -> Text,
        metadata -> Jsonb,
        decline_code -> Nullable<Text>,
        action_token -> Nullable<Text>,
        captured_amount -> Int8,
        created_at -> Timestamptz,
    }
}

diesel::table! {
    simulator_refunds (idempotency_key) {
        idempotency_key -> Text,
        intent_id -> Text,
        amount -> Int8,
        created_at -> Timestamptz,
    }
}

diesel::table! {
    simulator_requests (idempotency_key) {
        idempotency_key -> Text,
        intent_id -> Text,
        request -> Jsonb,
        answer -> Nullable<Jsonb>,
        due_at -> Nullable<Timestamptz>,
        created_at -> Timestamptz,
    }
}

diesel::table! {
    taxes (hotel_id, tax_id) {
        hotel_id -> Uuid,
        tax_id -> Uuid,
        name -> Text,
        percent -> Nullable<Numeric>,
        amount -> Nullable<Int8>,
        kind -> Text,
        included -> Bool,
        due -> Text,
        version -> Int4,
        created_at -> Timestamptz,
        deleted_at -> Nullable<Timestamptz>,
    }
}

diesel::table! {
    throttles (subject, key) {
        subject -> Text,
        key -> Bytea,
        failures -> Int4,
        paused_until -> Nullable<Timestamptz>,
        forgotten_at -> Timestamptz,
    }
}

diesel::table! {
    token_keys (generation) {
        generation -> Int4,
        signs_from -> Timestamptz,
        retires_at -> Nullable<Timestamptz>,
        created_at -> Timestamptz,
    }
}

diesel::table! {
    user_roles (user_id, role) {
        user_id -> Uuid,
        role -> Text,
        granted_at -> Timestamptz,
    }
}

diesel::table! {
    users (user_id) {
        user_id -> Uuid,
        email -> Text,
        email_key -> Text,
        full_name -> Text,
        password_hash -> Text,
        email_verified_at -> Nullable<Timestamptz>,
        disabled_at -> Nullable<Timestamptz>,
        version -> Int4,
        created_at -> Timestamptz,
    }
}

diesel::table! {
    webhook_events (provider, event_id) {
        provider -> Text,
        event_id -> Text,
        event_type -> Text,
        body -> Jsonb,
        status -> Text,
        reason -> Nullable<Text>,
        tries -> Int4,
        retry_at -> Nullable<Timestamptz>,
        received_at -> Timestamptz,
    }
}

diesel::joinable!(holds -> hotels (hotel_id));
diesel::joinable!(hotel_members -> hotels (hotel_id));
diesel::joinable!(rate_plans -> hotels (hotel_id));
diesel::joinable!(role_permissions -> permissions (permission));
diesel::joinable!(role_permissions -> roles (role));
diesel::joinable!(room_types -> hotels (hotel_id));
diesel::joinable!(sessions -> users (user_id));
diesel::joinable!(simulator_deliveries -> simulator_events (event_id));
diesel::joinable!(simulator_events -> simulator_intents (intent_id));
diesel::joinable!(simulator_refunds -> simulator_intents (intent_id));
diesel::joinable!(simulator_requests -> simulator_intents (intent_id));
diesel::joinable!(taxes -> hotels (hotel_id));
diesel::joinable!(user_roles -> roles (role));
diesel::joinable!(user_roles -> users (user_id));

diesel::allow_tables_to_appear_in_same_query!(
    audit_entries,
    audit_heads,
    audit_seals,
    audit_unsealed,
    booking_nights,
    booking_rooms,
    bookings,
    cancellation_tiers,
    child_bands,
    hold_items,
    hold_nights,
    holds,
    hotel_members,
    hotels,
    idempotency_keys,
    inventory,
    jobs,
    ledger_lines,
    outbox_events,
    payment_attempts,
    payments,
    permissions,
    quotes,
    rate_plan_room_types,
    rate_plans,
    rates,
    refresh_tokens,
    refunds,
    role_permissions,
    roles,
    room_types,
    rooms,
    sessions,
    simulator_deliveries,
    simulator_events,
    simulator_intents,
    simulator_refunds,
    simulator_requests,
    taxes,
    throttles,
    token_keys,
    user_roles,
    users,
    webhook_events,
);
