-- The websites of partners that show the hub's listings.
CREATE TABLE sites (
  id uuid PRIMARY KEY,
  -- For whom it is registered.
  organization_id uuid REFERENCES organizations (id) ON DELETE CASCADE,
  community_id uuid REFERENCES communities (id) ON DELETE CASCADE,
  name text NOT NULL,
  -- Such as https://www.example.org: where browsers may show what it embeds.
  origins text[] NOT NULL,
  -- The names of the listings that it may show; empty: every one.
  listings text[] NOT NULL,
  version integer NOT NULL DEFAULT 1,
  created_at timestamptz NOT NULL DEFAULT now(),
  CHECK (num_nonnulls(organization_id, community_id) = 1)
);
CREATE INDEX sites_organization ON sites (organization_id, id) WHERE organization_id IS NOT NULL;
CREATE INDEX sites_community ON sites (community_id, id) WHERE community_id IS NOT NULL;

-- How often a site was served a listing on a day, and nothing of who read it.
CREATE TABLE site_uses (
  site_id uuid NOT NULL REFERENCES sites (id) ON DELETE CASCADE,
  day date NOT NULL,
  listing text NOT NULL,
  use_count bigint NOT NULL,
  created_at timestamptz NOT NULL DEFAULT now(),
  PRIMARY KEY (site_id, day, listing)
);
