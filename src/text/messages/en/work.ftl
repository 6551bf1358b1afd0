# Writing through the API
version-conflict = Somebody else has changed it in between; it is at version { $version } now. Read it again and send your change with that version.
key-taken = There is a node with the key { $key } already; choose another one.
idempotency-key-used = You sent something else with this key less than a day ago; use a new key for a new input.
item-without-community = Say at least one community that the item belongs to.
item-foreign-community = You can put items before communities that you belong to; leave the others out.
item-published-first = What comes before members or everybody at a time of its own is published at the earlier of the two.
item-out-already = It is before everybody already.
item-time-over = This time is over; choose one that is to come, or leave it out.
item-members-first = Members see it before everybody does: publicAt has to be later than membersAt.
question-choices = A question with one or several answers to choose from has choices, and no other has.
charter-versions = The versions of a charter are numbered from 1, without a gap.
item-members-already = Members see it already; leave membersAt out, and say when everybody does.
role-without-source = A role is a published fact and shows who holds it: say where it was published.
text-is-original = This is the language that the record was written in; change the text by an edit of the node.
text-unknown = There is no such text; name a field as `translations` has it.
text-origin-original = A translation is made by somebody or something: HUMAN, MACHINE or IMPORTED.

# Joining a community
membership-there = There is a membership or an application in this community already.
membership-not-pending = There is nothing to decide or to take back here: it is decided, withdrawn or was never sent.
membership-not-active = This membership is not in force.
membership-closed = This community has ended and takes no members.
membership-by-invitation = One joins this community by invitation of its coordinators only; write to them.
membership-elsewhere = One does not join this community through the hub; see where it says to join.
membership-profession = This community is for other professions than yours; see which it names, or write to its coordinators.
membership-profession-unknown = This community is for certain professions, and the hub does not know yours; ask its administrators to add it.
membership-no-such-tier = This community has no memberships of this tier.
membership-by-appointment = Memberships of this tier are by appointment; apply for another one, or write to the coordinators.
membership-region-unknown = This community takes a limited number of members from a region, and the hub does not know the person's; ask its administrators to add it.
membership-quota = { $max ->
    [one] There is one member
   *[other] There are { $max } members
} of this tier from { $region } already, as many as there can be.
membership-not-endorsed = A membership of this tier needs the endorsement of an organization, which is not there yet; give another tier, or wait for it.
membership-endorser-missing = Say which organization is to endorse you.
charter-to-accept = Read version { $version } of the charter, which is in force, and accept that.
charter-none = There is no charter to accept; leave the version out.
answer-unasked = The community asks no such question, or it is answered twice.
answer-missing = This question has to be answered.
answer-unfit = This question is answered otherwise: it is of kind { $kind }.
refusal-without-reason = Say why the application is refused.
refusal-without-note = Say in a note why the application is refused, or choose another reason.
reason-without-refusal = There is a reason only for a refusal; leave it out.
days-out-of-range = { $days } is no number of days to wait; use 0 to { $max }.
application-pending = The application has arrived; the coordinators will decide.
application-waiting = The application is on the waiting list.
application-accepted = The application was accepted.
application-refused = The application was refused.
application-withdrawn = The application was taken back.
refusal-not-eligible = The community is for people of other professions or fields.
refusal-full = There is no room at the moment.
refusal-incomplete = The answers do not say enough to decide; you may apply again.
refusal-not-endorsed = The organization did not endorse the application.
refusal-other = For the reason that the coordinators give in their note.

written-meanwhile = Somebody else wrote something that stands against this, or did so at the same time; read it again and try once more.
charter-original = Write the charter in the language of the record ({ $tag }) first; then translate it.
quota-out-of-range = A quota is 1 to { $max }; leave it out where there is none.
