# Faults
internal-fault = Something went wrong on our side. Please quote the reference { $reference } when you report it.
database-unavailable = The hub cannot reach its database at the moment. Please try again shortly.
write-forbidden = You may see this but not change it.

# Requests
http-accept = This address answers with application/graphql-response+json or application/json; allow one of them in Accept.
http-address-unreadable = The parameters in the address cannot be read; encode them as application/x-www-form-urlencoded.
http-batch = Several requests at once are not taken; send each one by itself.
http-body-not-json = The body or a parameter is not the JSON that GraphQL over HTTP asks for: query and operationName are texts, variables and extensions are objects.
http-body-not-object = The body is JSON, but not an object with a query in it.
http-body-too-large = The body is larger than { $max } bytes; send a smaller document.
http-get-query-only = Only queries may be sent by GET; send this by POST.
http-media-type = Send the body as application/json in UTF-8.
http-method = This address takes GET and POST.
http-query-missing = There is no query in the request.
http-variables-not-object = Variables and extensions must be objects.
query-too-complex = The document asks for too much: { $limit ->
        [tokens] { $asked } tokens, and { $allowed } are allowed.
        [nesting] brackets within brackets { $asked } deep, and { $allowed } are allowed.
        [depth] fields within fields { $asked } deep, and { $allowed } are allowed.
        [selections] { $asked } selections once its fragments are written out, and { $allowed } are allowed.
        [aliases] { $asked } aliases, and { $allowed } are allowed.
        [directives] { $asked } directives, and { $allowed } are allowed.
        [lists] { $asked } lists, and { $allowed } are allowed.
       *[cost] a cost of { $asked } fields when every page is full, and { $allowed } are allowed.
    } Ask for less, for smaller pages, or in several requests.

# Values
cursor-malformed = This is not a cursor of this hub; take it from an edge or from pageInfo.
cursor-of-another-list = This cursor belongs to a list with another filter, order or language; start that list anew.
cursor-expired = This cursor has expired: it is of another change log, or changes after it are no longer kept. List anew, then follow from changeCursor.
cursor-ahead = This cursor is of the future: the change log has not come so far.
subscription-one-field = A subscription has exactly one field at its root, without @skip or @include.
http-subscription = A subscription is sent over a WebSocket (graphql-transport-ws) or asked for as text/event-stream.
http-origin = This site may not open a WebSocket here.
http-sockets = The hub has as many open streams as it can hold; try again later.
subscription-too-large = A subscription takes { $max } bytes at the most, its document and its variables together.
subscription-too-many-here = One socket follows { $max } operations at the most.
subscription-too-many = The hub follows as many different documents as it can; try again later.
day-ill-formed = “{ $value }” is not a day; write it as 2026-11-21.
id-malformed = “{ $id }” is not an id of this hub.
id-of-wrong-kind = “{ $id }” is the id of a node of kind { $kind }; an id of kind { $wanted } is needed here.
list-too-long = The list has { $length } values; at most { $max } are taken.
page-first-and-last = Give first or last, not both.
page-size-out-of-range = A page has 1 to { $max } nodes, not { $size }.
period-backwards = The period ends before it begins.

# Import
import-line = { $file }, line { $line }, { $field }: { $reason }
line-too-long = The line is longer than { $max } bytes.
line-not-utf8 = The line is not UTF-8.
line-not-json = The line is not JSON: { $reason }
line-not-object = The line is JSON, but not an object.
kind-unknown = The kind must be topic, organization, community, person, role, membership, project, item or link.
field-unusable = The value cannot be used: { $reason }
key-twice = The key { $key } stands on another line of the same kind already.
key-unknown = There is no { $kind } with the key { $key }, neither in the hub nor among these lines.
id-twice = The name { $id } stands twice in the list.
slug-taken = The slug { $slug } belongs to another node of this kind, now or formerly; choose another one.
above-itself = { $key } would be above itself; take one of its parents away.
audience-not-importable = An audience is either empty or “public” alone; people, roles, memberships and links derive theirs.
home-twice = A person has one home organization at the most.
isni-wrong = “{ $value }” is not an ISNI: its check character does not fit.
wikidata-wrong = “{ $value }” is not a Wikidata item; write it as Q42.
link-ends-wrong = A link of kind { $kind } cannot lead from kind { $from } to kind { $to }.
link-to-itself = A link joins two different nodes.
reference-ill-formed = “{ $value }” names no node; write it as community:resot.
role-of-wrong-kind = A role is held in a community or in an organization.
source-empty = A source has a title, a publisher, an address or a quote.

# Communities that no source names
community-of-domain = Community of practice: { $domain }
community-of-partner = Community of practice with { $partner }
community-of-host = Community of practice of { $host }
community-of-host-launched = Community of practice of { $host } (launched { $launched })
community-unnamed = Community of practice without a name ({ $key })

# Links
link-hosts = hosts
link-hosts-inverse = is hosted by
link-coordinated-by = is coordinated by
link-coordinated-by-inverse = coordinates
link-partners-with = works with
link-partners-with-inverse = is a partner of
link-member-of = is a member of
link-member-of-inverse = has as a member
link-endorses = endorses
link-endorses-inverse = is endorsed by
link-adopts = adopts
link-adopts-inverse = is adopted by
link-provides-website-for = provides the website of
link-provides-website-for-inverse = has its website from
link-republishes = republishes
link-republishes-inverse = is republished by
link-created = created
link-created-inverse = was created by
link-derives-from = derives from
link-derives-from-inverse = gave rise to
link-supersedes = supersedes
link-supersedes-inverse = is superseded by

# Command line
cli-cannot-listen = The hub cannot listen on { $address } ({ $reason }); stop what uses it, or choose another address with --listen.
cli-database-unreachable = The database cannot be reached ({ $reason }); check --database-url and whether the server runs.
cli-file-unreadable = The file { $file } cannot be read ({ $reason }).
cli-loading = { $done } of { $total } lines
cli-loaded = Read the lines: { $created } new, { $updated } changed, { $retired } retired, { $unchanged } as they were.{ $withheld ->
    [0] {""}
   *[other] {" "}Withheld because they name somebody who was erased: { $withheld }.
}
cli-migrated = { $count ->
    [0] The database is at this version already.
    [one] Brought the database to this version: 1 migration.
   *[other] Brought the database to this version: { $count } migrations.
}
cli-schema-older = { $count ->
    [one] The database is older than this program: 1 migration has not run; make a backup and run “hub migrate”.
   *[other] The database is older than this program: { $count } migrations have not run; make a backup and run “hub migrate”.
}
cli-schema-newer = The database is newer than this program (migration { $version }); use the program that made it, or a later one.
cli-serving = Serving on http://{ $address }/
cli-demo =
    The hub is ready.
      API           http://{ $address }/graphql
      Query editor  http://{ $address }/editor
      Dashboard     http://{ $address }/dashboard/
      Schema        http://{ $address }/schema.graphql

    Three queries to try:
      { $first }
      { $second }
      { $third }

    Ctrl-C stops the hub.
config-connections = { $given } connections to the database are not possible; give 1 to 100.
config-file-unusable = The settings file { $file } cannot be used: { $reason }
config-retention = The change log keeps 1 to 36,500 days and at least 1,000 changes; give --keep-changes-days and --keep-changes within these.
config-origin = "{ $given }" is no origin: write it as https://partner.example, without a path.
config-public-url = Browsers keep a sign-in for addresses over TLS alone, and “{ $given }” is none; give --public-url as https://hub.example.
config-oidc-incomplete = A provider of sign-in has an issuer, a client id and a client secret; give --oidc-issuer, --oidc-client-id and HUB_OIDC_CLIENT_SECRET together.
config-provider-name = “{ $given }” is no name of a provider: write 1 to 40 small letters, digits and hyphens.
config-provider-issuer = “{ $given }” is not the issuer of a provider ({ $name }): write it as https://issuer.example, exactly as the provider does.
config-provider-incomplete = The provider { $name } needs a label, a client id and a client secret.
config-provider-twice = The provider { $name } has the name or the issuer of another one.
config-listen = “{ $given }” is not an address to listen on; write it as 127.0.0.1:8080.
config-no-home = There is no home folder to keep the data in; give one with --data-dir.
database-address-ill-formed = The address of the database cannot be used ({ $reason }); give it as postgres://user:password@host/database.
doctor-postgres = PostgreSQL { $version } in { $folder }
doctor-folder = Data folder { $folder }; no server runs on it
doctor-folder-new = Data folder { $folder }: made at the first start
doctor-folder-served = Data folder { $folder }; its server runs as process { $pid }
doctor-space = { $megabytes } MB free for { $folder }
doctor-space-low = Only { $megabytes } MB free for { $folder }; make room, or choose another --data-dir.
doctor-server = The database server answers: version { $version }
doctor-server-old = The database server is version { $version }; the hub needs { $least } or later.
doctor-encoding = The database is encoded in { $encoding }
doctor-encoding-wrong = The database is encoded in { $encoding }; the hub needs UTF8: create the database anew with ENCODING 'UTF8'.
doctor-extensions = unaccent and the ICU collations are there
doctor-extensions-missing = Missing in the database server: { $missing }; install PostgreSQL's contrib package, built with ICU.
doctor-schema = The database is at this program's version
doctor-schema-empty = The database is empty; “hub serve” fills in the tables
date-too-early = “{ $text }” names a year before 4712 BC, the first that can be kept.
http-busy = The hub is busy with other requests; try again in a few seconds.
http-too-slow = The answer took longer than { $seconds } seconds; ask for less, or in several requests.
slug-not-taken = Roles, memberships and links have no slug.

# Kinds of nodes
retired-audience = What is retired is seen by nobody; leave the audience out.
retire-alone = A line that retires a node says nothing else.
membership-twice = The person has another membership in this community, { $key }; there is one at the most.
item-published-when = What is published states when: give publishedAt.
item-draft-published = A draft has not been published; leave publishedAt out.
item-draft-audience = A draft is seen by those who make it alone; leave the audience out.

# Search and facets
kind-not-searched = Nodes of kind { $kind } are not searched; ask for TOPIC, ORGANIZATION, COMMUNITY, PERSON, PROJECT or ITEM.
facet-lacking = Nodes of type { $list } do not divide by { $dimension }.

# Import on the command line
import-would-create = { $file }, line { $line }: would create { $node }
import-would-update = { $file }, line { $line }: would change { $node }
import-would-keep = { $file }, line { $line }: would leave { $node } as it is
import-would-retire = { $file }, line { $line }: would retire { $node }
import-would-withhold = { $file }, line { $line }: { $node } names somebody who was erased; nothing would be written.
import-rehearsed = Nothing was written.
cli-each-one-file = --each reads one file, or standard input given as -.
generate-not-empty = Synthetic data are made for an empty hub; this one has nodes. Give another data folder or database.
generate-scale = The scale has to be more than 0 and at most { $max }.
generate-done = Made { $nodes } nodes, among them { $items } items, { $people } people and { $communities } communities.
