# Both pages
page-hub-name = Knowledge hub
page-description = The facts of communities of practice in psychosocial oncology, palliative care and cancer research, held once and served everywhere.
page-skip = Skip to the content
page-navigation = Pages
page-languages = Language
page-home = Home
page-editor = Query editor
page-dashboard = Dashboard
page-schema = Schema
page-asset-missing = There is no such file here. The home page of the hub leads to everything it offers.

# Home
page-home-heading = Facts held once, right everywhere
page-home-lead = This hub holds what partner organizations in psychosocial oncology, hospice palliative care and cancer research publish about their communities of practice and the people in them, in English and in French. Dashboards, partner websites and other programs read all of it through one GraphQL API.
page-home-addresses = Addresses
page-home-api = API for programs
page-home-api-use = Send a GraphQL query as JSON. The answer comes in the language that your Accept-Language header asks for.
page-home-editor-use = Write and run queries in the browser, with suggestions and the documentation beside them.
page-home-dashboard-use = What the hub holds in charts and tables, and a search over everything: one static page over the same API, yours to copy.
page-home-follow = Newly published
page-home-follow-use = What is published, as it happens: a page that keeps its place and misses nothing, yours to copy.
page-home-schema-use = Every type and field with its description, for your own tools.
page-home-examples = Try a query
page-home-examples-use = Copy a query into your program, or open it in the editor and run it there.
page-home-examples-copy = Copy a query into your program.
page-home-holds = What it holds
page-home-organizations = { $number ->
    [one] organization
   *[other] organizations
}
page-home-communities = { $number ->
    [one] community of practice
   *[other] communities of practice
}
page-home-people = { $number ->
    [one] person shown with their consent
   *[other] people shown with their consent
}
page-home-projects = { $number ->
    [one] project
   *[other] projects
}
page-home-items = { $number ->
    [one] resource
   *[other] resources
}
page-home-topics = { $number ->
    [one] topic
   *[other] topics
}
page-home-newest = Newest resources
page-home-all-communities = { $number ->
    [one] The one community
   *[other] { $number } communities by name
}
page-home-embed-use = Put a listing on your website: choose, look, copy one line.
page-home-open = Open in the editor
page-home-copy = Copy
page-home-copied = Copied
page-home-selected = Selected, now copy it
page-home-sources = Every fact names its source. What a source does not state is left open here, too.

# Example queries
page-example-resot = RÉSOT and its leaders
page-example-hpco = Communities of HPCO
page-example-oncology = Communities in oncology

# Query editor
page-editor-examples = Examples:
page-editor-keys-run = Ctrl-Enter runs the query.
page-editor-keys-suggest = Ctrl-Space suggests what fits.
page-editor-no-script = The editor needs JavaScript, which is switched off in this browser. You can still send a query with this form; the answer comes as JSON.
page-editor-query = Query
page-editor-run = Send the query
page-editor-no-answer = The hub gave no answer that can be read. Check your connection, then run the query again.
