//! The tables as diesel sees them. Generated columns are left out: nothing writes or reads them as values. A test compares this file with the migrated database.

#![expect(missing_docs, reason = "tables and columns are described where they are created")]

diesel::table! {
    accounts (id) {
        id -> Uuid,
        issuer -> Nullable<Text>,
        subject -> Nullable<Text>,
        service_name -> Nullable<Text>,
        person_id -> Nullable<Uuid>,
        atoms -> Array<Text>,
        created_at -> Timestamptz,
        link_note -> Nullable<Text>,
        link_asked_at -> Nullable<Timestamptz>,
    }
}

diesel::table! {
    affiliations (person_id, key) {
        person_id -> Uuid,
        key -> Text,
        position -> Integer,
        organization_id -> Uuid,
        title -> Nullable<Jsonb>,
        since -> Nullable<Jsonb>,
        until -> Nullable<Jsonb>,
        is_home -> Bool,
        created_at -> Timestamptz,
    }
}

diesel::table! {
    applications (id) {
        id -> Uuid,
        membership_id -> Uuid,
        community_id -> Uuid,
        person_id -> Uuid,
        audience -> Array<Text>,
        status -> Text,
        tier -> Text,
        answers -> Jsonb,
        charter_version -> Nullable<Integer>,
        applied_at -> Timestamptz,
        endorser_id -> Nullable<Uuid>,
        endorsed_at -> Nullable<Timestamptz>,
        decided_at -> Nullable<Timestamptz>,
        reason -> Nullable<Text>,
        note -> Nullable<Jsonb>,
        original_language -> Text,
        created_at -> Timestamptz,
    }
}

diesel::table! {
    audit (id) {
        id -> Uuid,
        created_at -> Timestamptz,
        act -> Text,
        account_id -> Nullable<Uuid>,
        token_id -> Nullable<Uuid>,
        kind -> Text,
        subject_id -> Nullable<Uuid>,
        fields -> Array<Text>,
        person_id -> Nullable<Uuid>,
        why -> Text,
    }
}

diesel::table! {
    changes (position) {
        position -> BigInt,
        created_at -> Timestamptz,
        action -> Text,
        kind -> Text,
        node_id -> Uuid,
        fields -> Array<Text>,
        communities -> Array<Uuid>,
        topics -> Array<Uuid>,
        languages -> Array<Text>,
        audience_before -> Array<Text>,
        audience_after -> Array<Text>,
        actor -> Text,
    }
}

diesel::table! {
    communities (id) {
        id -> Uuid,
        key -> Text,
        audience -> Array<Text>,
        original_language -> Text,
        import_hash -> Nullable<Text>,
        verified_on -> Nullable<Date>,
        version -> Integer,
        created_at -> Timestamptz,
        updated_at -> Timestamptz,
        slug -> Text,
        name -> Nullable<Jsonb>,
        domain -> Nullable<Jsonb>,
        community -> Nullable<Jsonb>,
        practice -> Nullable<Jsonb>,
        purpose -> Nullable<Jsonb>,
        objectives -> Jsonb,
        activities -> Array<Text>,
        benefits -> Jsonb,
        eligibility -> Nullable<Jsonb>,
        professions -> Array<Text>,
        join_policy -> Nullable<Text>,
        join_url -> Nullable<Text>,
        launched -> Nullable<Jsonb>,
        launched_earliest -> Nullable<Date>,
        launched_latest -> Nullable<Date>,
        member_count -> Nullable<Jsonb>,
        centre_count -> Nullable<Jsonb>,
        regions -> Array<Text>,
        meetings -> Nullable<Jsonb>,
        contact_email -> Nullable<Text>,
        languages -> Array<Text>,
        status -> Text,
        retired -> Bool,
        managed_by -> Nullable<Uuid>,
        questions -> Jsonb,
        charters -> Jsonb,
        tiers -> Jsonb,
    }
}

diesel::table! {
    community_counts (community_id) {
        community_id -> Uuid,
        active_members -> BigInt,
        created_at -> Timestamptz,
    }
}

diesel::table! {
    community_topics (community_id, topic_id) {
        community_id -> Uuid,
        topic_id -> Uuid,
        created_at -> Timestamptz,
    }
}

diesel::table! {
    consents (person_id, field, given_at) {
        person_id -> Uuid,
        field -> Text,
        audience -> Text,
        text_version -> Text,
        given_at -> Timestamptz,
        withdrawn_at -> Nullable<Timestamptz>,
        created_at -> Timestamptz,
        text_language -> Nullable<Text>,
        is_own -> Bool,
    }
}

diesel::table! {
    due (id) {
        id -> Uuid,
        node_id -> Nullable<Uuid>,
        action -> Text,
        due_at -> Timestamptz,
        created_at -> Timestamptz,
        grant_id -> Nullable<Uuid>,
    }
}

diesel::table! {
    erasures (key_hash) {
        key_hash -> Bytea,
        created_at -> Timestamptz,
    }
}

diesel::table! {
    grants (id) {
        id -> Uuid,
        account_id -> Uuid,
        held_right -> Text,
        organization_id -> Nullable<Uuid>,
        community_id -> Nullable<Uuid>,
        membership_id -> Nullable<Uuid>,
        starts_at -> Timestamptz,
        ends_at -> Nullable<Timestamptz>,
        holds -> Bool,
        granted_by -> Nullable<Uuid>,
        created_at -> Timestamptz,
    }
}

diesel::table! {
    invitations (id) {
        id -> Uuid,
        person_id -> Uuid,
        secret_hash -> Bytea,
        expires_at -> Timestamptz,
        used_at -> Nullable<Timestamptz>,
        created_at -> Timestamptz,
    }
}

diesel::table! {
    item_authors (id) {
        id -> Uuid,
        item_id -> Uuid,
        person_id -> Nullable<Uuid>,
        byline -> Text,
        created_at -> Timestamptz,
    }
}

diesel::table! {
    item_communities (item_id, community_id) {
        item_id -> Uuid,
        community_id -> Uuid,
        ordered_at -> Timestamptz,
        is_public -> Bool,
        created_at -> Timestamptz,
    }
}

diesel::table! {
    item_topics (item_id, topic_id) {
        item_id -> Uuid,
        topic_id -> Uuid,
        created_at -> Timestamptz,
    }
}

diesel::table! {
    items (id) {
        id -> Uuid,
        key -> Text,
        audience -> Array<Text>,
        original_language -> Text,
        import_hash -> Nullable<Text>,
        verified_on -> Nullable<Date>,
        version -> Integer,
        created_at -> Timestamptz,
        updated_at -> Timestamptz,
        retired -> Bool,
        slug -> Text,
        kind -> Text,
        title -> Jsonb,
        summary -> Nullable<Jsonb>,
        url -> Nullable<Text>,
        body -> Nullable<Jsonb>,
        intended_for -> Array<Text>,
        licence -> Nullable<Text>,
        content_languages -> Array<Text>,
        project_id -> Nullable<Uuid>,
        doi -> Nullable<Text>,
        evidence_level -> Nullable<Text>,
        status -> Text,
        issued -> Nullable<Jsonb>,
        issued_earliest -> Nullable<Date>,
        issued_latest -> Nullable<Date>,
        published_at -> Nullable<Timestamptz>,
        members_at -> Nullable<Timestamptz>,
        public_at -> Nullable<Timestamptz>,
        readers -> Nullable<Array<Text>>,
    }
}

diesel::table! {
    links (id) {
        id -> Uuid,
        key -> Text,
        audience -> Array<Text>,
        original_language -> Text,
        import_hash -> Nullable<Text>,
        verified_on -> Nullable<Date>,
        version -> Integer,
        created_at -> Timestamptz,
        updated_at -> Timestamptz,
        kind -> Text,
        from_id -> Uuid,
        from_kind -> Text,
        to_id -> Uuid,
        to_kind -> Text,
        since -> Nullable<Jsonb>,
        since_earliest -> Nullable<Date>,
        since_latest -> Nullable<Date>,
        until -> Nullable<Jsonb>,
        until_earliest -> Nullable<Date>,
        until_latest -> Nullable<Date>,
        note -> Nullable<Jsonb>,
        retired -> Bool,
    }
}

diesel::table! {
    log_epoch (only_row) {
        only_row -> Bool,
        epoch -> Uuid,
        system_identifier -> BigInt,
        timeline -> Integer,
        database_oid -> BigInt,
        log_oid -> BigInt,
        created_at -> Timestamptz,
        forgotten_through -> BigInt,
    }
}

diesel::table! {
    memberships (id) {
        id -> Uuid,
        key -> Text,
        audience -> Array<Text>,
        original_language -> Text,
        import_hash -> Nullable<Text>,
        verified_on -> Nullable<Date>,
        version -> Integer,
        created_at -> Timestamptz,
        updated_at -> Timestamptz,
        retired -> Bool,
        person_id -> Uuid,
        community_id -> Uuid,
        status -> Text,
        tier -> Nullable<Text>,
        since -> Nullable<Jsonb>,
        since_earliest -> Nullable<Date>,
        since_latest -> Nullable<Date>,
        applied_at -> Nullable<Timestamptz>,
    }
}

diesel::table! {
    messages (id) {
        id -> Uuid,
        community_id -> Uuid,
        account_id -> Nullable<Uuid>,
        reply_to -> Nullable<Text>,
        body -> Text,
        language -> Text,
        created_at -> Timestamptz,
    }
}

diesel::table! {
    nodes (id) {
        id -> Uuid,
        kind -> Text,
        key -> Text,
        audience -> Array<Text>,
        original_language -> Text,
        import_hash -> Nullable<Text>,
        audience_before -> Nullable<Array<Text>>,
        created_at -> Timestamptz,
    }
}

diesel::table! {
    organizations (id) {
        id -> Uuid,
        key -> Text,
        audience -> Array<Text>,
        original_language -> Text,
        import_hash -> Nullable<Text>,
        verified_on -> Nullable<Date>,
        version -> Integer,
        created_at -> Timestamptz,
        updated_at -> Timestamptz,
        slug -> Text,
        kind -> Text,
        name -> Jsonb,
        aliases -> Jsonb,
        summary -> Nullable<Jsonb>,
        vision -> Nullable<Jsonb>,
        mission -> Nullable<Jsonb>,
        aims -> Jsonb,
        founded -> Nullable<Jsonb>,
        founded_earliest -> Nullable<Date>,
        founded_latest -> Nullable<Date>,
        addresses -> Jsonb,
        regions -> Array<Text>,
        phone -> Nullable<Text>,
        fax -> Nullable<Text>,
        email -> Nullable<Text>,
        website -> Nullable<Text>,
        identifiers -> Jsonb,
        parent_id -> Nullable<Uuid>,
        languages -> Array<Text>,
        status -> Text,
        retired -> Bool,
    }
}

diesel::table! {
    people (id) {
        id -> Uuid,
        key -> Text,
        audience -> Array<Text>,
        original_language -> Text,
        import_hash -> Nullable<Text>,
        verified_on -> Nullable<Date>,
        version -> Integer,
        created_at -> Timestamptz,
        updated_at -> Timestamptz,
        slug -> Nullable<Text>,
        name -> Text,
        honorific -> Nullable<Text>,
        profession -> Nullable<Text>,
        stakeholder_group -> Nullable<Text>,
        region -> Nullable<Text>,
        languages -> Array<Text>,
        orcid -> Nullable<Text>,
        field_audiences -> Jsonb,
        retired -> Bool,
    }
}

diesel::table! {
    person_expertise (person_id, topic_id) {
        person_id -> Uuid,
        topic_id -> Uuid,
        created_at -> Timestamptz,
    }
}

diesel::table! {
    project_communities (project_id, community_id) {
        project_id -> Uuid,
        community_id -> Uuid,
        created_at -> Timestamptz,
    }
}

diesel::table! {
    project_organizations (project_id, part, organization_id) {
        project_id -> Uuid,
        organization_id -> Uuid,
        part -> Text,
        created_at -> Timestamptz,
    }
}

diesel::table! {
    project_people (id) {
        id -> Uuid,
        project_id -> Uuid,
        person_id -> Uuid,
        role -> Text,
        created_at -> Timestamptz,
    }
}

diesel::table! {
    projects (id) {
        id -> Uuid,
        key -> Text,
        audience -> Array<Text>,
        original_language -> Text,
        import_hash -> Nullable<Text>,
        verified_on -> Nullable<Date>,
        version -> Integer,
        created_at -> Timestamptz,
        updated_at -> Timestamptz,
        retired -> Bool,
        slug -> Text,
        title -> Jsonb,
        summary -> Nullable<Jsonb>,
        status -> Nullable<Text>,
        started -> Nullable<Jsonb>,
        started_earliest -> Nullable<Date>,
        started_latest -> Nullable<Date>,
        ended -> Nullable<Jsonb>,
        ended_earliest -> Nullable<Date>,
        ended_latest -> Nullable<Date>,
        outputs -> Jsonb,
        managed_by -> Nullable<Uuid>,
    }
}

diesel::table! {
    roles (id) {
        id -> Uuid,
        key -> Text,
        audience -> Array<Text>,
        original_language -> Text,
        import_hash -> Nullable<Text>,
        verified_on -> Nullable<Date>,
        version -> Integer,
        created_at -> Timestamptz,
        updated_at -> Timestamptz,
        person_id -> Uuid,
        community_id -> Nullable<Uuid>,
        organization_id -> Nullable<Uuid>,
        kind -> Text,
        title -> Nullable<Jsonb>,
        since -> Nullable<Jsonb>,
        since_earliest -> Nullable<Date>,
        since_latest -> Nullable<Date>,
        until -> Nullable<Jsonb>,
        until_earliest -> Nullable<Date>,
        until_latest -> Nullable<Date>,
        retired -> Bool,
    }
}

diesel::table! {
    sent_mutations (id) {
        id -> Uuid,
        account_id -> Nullable<Uuid>,
        mutation -> Text,
        key -> Text,
        input_hash -> Bytea,
        outcome_id -> Nullable<Uuid>,
        created_at -> Timestamptz,
    }
}

diesel::table! {
    sessions (id) {
        id -> Uuid,
        account_id -> Uuid,
        secret_hash -> Bytea,
        expires_at -> Timestamptz,
        ended_at -> Nullable<Timestamptz>,
        last_used_on -> Nullable<Date>,
        created_at -> Timestamptz,
    }
}

diesel::table! {
    sign_ins (state_hash) {
        state_hash -> Bytea,
        provider -> Text,
        nonce -> Text,
        verifier -> Text,
        return_to -> Text,
        created_at -> Timestamptz,
    }
}

diesel::table! {
    site_uses (site_id, day, listing) {
        site_id -> Uuid,
        day -> Date,
        listing -> Text,
        use_count -> BigInt,
        created_at -> Timestamptz,
    }
}

diesel::table! {
    sites (id) {
        id -> Uuid,
        organization_id -> Nullable<Uuid>,
        community_id -> Nullable<Uuid>,
        name -> Text,
        origins -> Array<Text>,
        listings -> Array<Text>,
        version -> Integer,
        created_at -> Timestamptz,
    }
}

diesel::table! {
    slugs (kind, slug) {
        kind -> Text,
        slug -> Text,
        node_id -> Uuid,
        created_at -> Timestamptz,
    }
}

diesel::table! {
    sources (id) {
        id -> Uuid,
        node_id -> Uuid,
        position -> Integer,
        original_language -> Text,
        field -> Nullable<Text>,
        publisher -> Nullable<Text>,
        title -> Nullable<Jsonb>,
        url -> Nullable<Text>,
        retrieved_on -> Nullable<Date>,
        quote -> Nullable<Jsonb>,
        created_at -> Timestamptz,
    }
}

diesel::table! {
    text_origins (node_id, field, language) {
        node_id -> Uuid,
        field -> Text,
        language -> Text,
        origin -> Text,
        original_hash -> Nullable<Text>,
        created_at -> Timestamptz,
    }
}

diesel::table! {
    tokens (id) {
        id -> Uuid,
        account_id -> Uuid,
        secret_hash -> Bytea,
        name -> Text,
        scopes -> Array<Text>,
        expires_at -> Timestamptz,
        revoked_at -> Nullable<Timestamptz>,
        last_used_on -> Nullable<Date>,
        created_at -> Timestamptz,
    }
}

diesel::table! {
    topic_parents (topic_id, parent_id) {
        topic_id -> Uuid,
        parent_id -> Uuid,
        created_at -> Timestamptz,
    }
}

diesel::table! {
    topic_words (topic_id, words, stems) {
        topic_id -> Uuid,
        words -> Text,
        stems -> Text,
        created_at -> Timestamptz,
    }
}

diesel::table! {
    topics (id) {
        id -> Uuid,
        key -> Text,
        audience -> Array<Text>,
        original_language -> Text,
        import_hash -> Nullable<Text>,
        verified_on -> Nullable<Date>,
        version -> Integer,
        created_at -> Timestamptz,
        updated_at -> Timestamptz,
        slug -> Text,
        name -> Jsonb,
        description -> Nullable<Jsonb>,
        synonyms -> Jsonb,
        retired -> Bool,
    }
}
