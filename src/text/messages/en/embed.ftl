# What listings say
embed-title-communities-of-organization = Communities of practice of { $name }
embed-title-communities-by-topic = Communities of practice about { $name }
embed-title-communities-by-language = Communities of practice that work in { $language }
embed-title-projects-of-organization = Projects of { $name }
embed-title-items-of-community = New from { $name }
embed-description = { $title }, as the partners keep it in the knowledge hub.
embed-for-whom = For whom
embed-contact = Coordination
embed-role-leader = Leader
embed-role-coordinator = Coordinator
embed-role-chair = Chair
embed-members = Members
embed-centres = Centres
embed-launched = Launched
embed-how-to-join = How to join
embed-join-open = Open to everyone, at once.
embed-join-by-application = By application.
embed-join-by-invitation = By invitation.
embed-join-here = Join
embed-meetings = Meetings
embed-with = With
embed-status = Status
embed-started = Began
embed-ended = Ends or ended
embed-led-by = Led by
embed-not-stated = Not stated.
embed-none = Nothing is listed here for now.
embed-more = Next page ({ $shown } of { $total } shown)
embed-and-others = and others
embed-verified = Verified on { $day }
embed-not-verified = Not yet verified
embed-source = Source:
embed-report = Report a mistake
embed-credit = Kept up to date in the knowledge hub
embed-credit-home = The knowledge hub
embed-updated = The listing was updated.
embed-away = The hub cannot be reached for the moment. This is a copy of
embed-in-language = in { $language }
embed-day = { $month ->
    [1] January
    [2] February
    [3] March
    [4] April
    [5] May
    [6] June
    [7] July
    [8] August
    [9] September
    [10] October
    [11] November
   *[12] December
} { $day }, { $year }
embed-as-of = as of { $day }
embed-date-not-stated = date not stated
embed-count-exact = { $number } { $unit }
embed-count-about = about { $number } { $unit }
embed-count-more-than = more than { $number } { $unit }
embed-count-at-least = at least { $number } { $unit }
embed-count-nearly = nearly { $number } { $unit }
embed-unit-members = { $number ->
    [one] member
   *[other] members
}
embed-unit-centres = { $number ->
    [one] centre
   *[other] centres
}
embed-members-known = { $number ->
    [one] { $number } member in the hub
   *[other] { $number } members in the hub
}
embed-project-planned = Planned
embed-project-active = Under way
embed-project-suspended = Paused
embed-project-completed = Completed
embed-project-stopped = Stopped
embed-item-guide = Guide
embed-item-report = Report
embed-item-webinar = Webinar
embed-item-curriculum = Curriculum
embed-item-statement = Statement
embed-item-tool = Tool
embed-item-story = Story
embed-item-article = Article
embed-item-presentation = Presentation
embed-item-workshop = Workshop
embed-item-meeting = Meeting
embed-item-other = Resource
embed-language-name = { $tag ->
    [ar] Arabic
    [cr] Cree
    [de] German
    [en] English
    [es] Spanish
    [fa] Persian
    [fr] French
    [he] Hebrew
    [hi] Hindi
    [it] Italian
    [iu] Inuktitut
    [ja] Japanese
    [ko] Korean
    [nl] Dutch
    [oj] Ojibwa
    [pa] Punjabi
    [pl] Polish
    [pt] Portuguese
    [ru] Russian
    [tr] Turkish
    [uk] Ukrainian
    [ur] Urdu
    [zh] Chinese
   *[other] the language { $tag }
}

# Why there is no listing
embed-refused-title = This cannot be shown
embed-refused = This listing cannot be made: { $reason }
embed-missing = What is to be listed is not in the hub, or is not public. Choose again on the page for webmasters.
embed-parameter-missing = The address lacks “{ $name }”, which says what to list.
embed-parameter-wrong = “{ $value }” is no value for “{ $name }” in the address.
embed-parameter-too-long = The value of “{ $name }” in the address is longer than { $max } characters.
embed-address-too-long = The address asks for more than { $max } bytes.
embed-site-unknown = The address names a site that is not registered. Take a new snippet from the page for webmasters.
embed-site-elsewhere = The address names a site that this page does not belong to. Ask whoever registered it to add the address of this page.
embed-listing-not-agreed = The site that the address names was registered for other listings. Ask whoever registered it to add this one.
oembed-format = This format is not served; ask for json or xml.
oembed-no-address = Say which address to show, as url=….
oembed-unknown = There is no listing at this address.

# The page for webmasters
page-embed = For websites
embed-page-heading = Put a listing on your website
embed-page-lead = Choose what to show, look at it, and copy one snippet. What your page shows then is what the hub holds: in the page’s language, with the day it was verified, without a copy that grows old.
embed-page-what = What to show
embed-page-kind = Listing
embed-kind-communities-of-organization = Communities of an organization
embed-kind-communities-by-topic = Communities about a topic
embed-kind-communities-by-language = Communities that work in a language
embed-kind-community = One community
embed-kind-projects-of-organization = Projects of an organization
embed-kind-items-of-community = Newest resources of a community
embed-field-organization = Organization
embed-field-topic = Topic
embed-field-community = Community
embed-field-language = Language of the community, such as fr
embed-field-hint = Begin to type a name, and choose one.
embed-page-look = How it looks
embed-page-layout = Layout
embed-look-list = List
embed-look-cards = Cards
embed-look-compact = Compact
embed-page-tag = Language
embed-page-tag-own = That of the page
embed-page-theme = Colours
embed-theme-own = As the page has them (a frame: light)
embed-theme-light = Light
embed-theme-dark = Dark
embed-theme-auto = As the reader’s device has them
embed-page-accent = Accent
embed-page-live = Update while the page is open
embed-page-live-note = Only for the web component. The page keeps a connection to the hub, and says politely when something changed. Off by default.
embed-page-site = Site id (optional)
embed-page-site-note = Registered sites are shown in frames on their own pages alone, and their uses are counted by day, without following readers. What browsers and caches answer by themselves is not counted. Coordinators and administrators register a site with the mutation siteRegister.
embed-page-show = Show
embed-page-preview = This is what it looks like
embed-page-preview-width = Width
embed-page-wide = Wide
embed-page-narrow = Narrow (320 px)
embed-page-open = Open it by itself
embed-page-snippets = Copy one of these
embed-page-component = Web component
embed-page-component-use = The best choice wherever your system lets you paste a script, as WordPress does for administrators and Drupal with “Full HTML”. It fits into your page, takes its language, and shows the last good copy when the hub is away.
embed-page-pinned = The same, with a fixed version
embed-page-pinned-use = For sites whose rules ask for a fingerprint of every script. It never changes, so take a new one from time to time.
embed-page-frame = Frame
embed-page-frame-use = Where scripts are stripped out. The second line makes the frame as high as its content; leave it out where it is not allowed.
embed-page-html = Plain HTML
embed-page-html-use = For pages without scripts: let your server put the answer of this address into the page (server-side include). Search engines read it.
embed-page-oembed = Address alone
embed-page-oembed-use = For systems that turn a pasted address into what is there (oEmbed).
embed-page-copy = Copy
embed-page-copied = Copied
embed-page-selected = Selected, now copy it
embed-page-shown = The preview and the snippets are those of “{ $title }” now.
embed-page-age = A change holds within one second in everything that the hub serves. Browsers and caches in between may show the listing for five minutes more, five others while they ask anew, and for a day while the hub is away.
embed-page-faint = The contrast of this accent with white is { $contrast } to 1. Readers with weak eyes need 4.5 to 1: choose a darker one.
embed-page-no-script = Without JavaScript, press “Show” after each choice.
embed-choose-kind = Choose a listing.
embed-choose-what = Choose what to list, then press “Show”.

# The page on which mistakes are reported
report-heading = Report a mistake
report-lead = What is wrong with what the hub says of { $name }? Your message goes to the coordinators. It is shown to nobody else.
report-body = What should be put right
report-body-note = At most { $most } characters. Nothing about patients, please.
report-reply = Where an answer reaches you (optional)
report-send = Send
report-sent = Thank you. The coordinators of { $name } will find your message in the hub.
report-again = Write another one
report-elsewhere = The form was sent from a page that is not the hub’s. Open it in the hub, and send it from there.
report-problems = This was not sent yet:
