# Who asks, and what they may do
not-found = There is no such thing, or you may not see it.
sign-in-first = Sign in first, or show a token.
credential-ended = The token is none, or it has expired or been revoked; show another one.
grant-longer-than-own = You can give a right for as long as you have yours, and no longer; set an earlier end.
grant-of-membership = This right follows from a membership and ends with it alone.
grant-over = This right has ended already.
token-scopes = A token has 1 to { $max } scopes.
token-scope-unfit = A scope of kind { $kind } is not for this: reading as a member and writing items are for a community, administering is for an organization, the others are for none.
token-scope-not-held = You do not hold the right that this scope needs.
token-expiry = A token expires within { $days } days.
account-linked = This account is linked to a person already.
invitation-unknown = This invitation is none, was used already, or has expired.
grant-unfit = There is no right { $right } there: administrators run the hub or an organization, the other rights are on communities, representatives on organizations too.

# People's own data
account-without-person = Your account is not linked to a person of the hub; take up an invitation, or ask its administrators.
consent-wording = I agree that the hub shows this field of mine to those whom I choose here. I can take this back at any time; then it is shown to nobody else any more, at once.
consent-wording-other = Read the wording that is in force ({ $version }, in English or French) and agree to that.
consent-bylines = Printed names on publications stay for everybody or for nobody: choose PUBLIC or SELF.
erase-not-meant = Erasing cannot be taken back; say that it is meant.
contact-too-often = You have sent several messages of late; wait a while before the next one.

# The command line
cli-token-made = The token, which is told this once:
cli-token-none = No token is good at the moment.
cli-token-revoked = The token is good no longer.
cli-granted = The right is given.
cli-scope-unknown = There is no scope “{ $scope }”; use read-public, read-as-member-of:COMMUNITY, write-items-of:COMMUNITY or administer-organization:ORGANIZATION.
cli-right-unknown = There is no right “{ $right }”; use administrator, coordinator, reviewer, member or representative.
cli-place-unknown = Say where the right is to hold as organization:KEY or community:KEY.
cli-key-unknown = There is no { $kind } with the key { $key }.
cli-personas =
    Tokens to try, good for a week; send one as "Authorization: Bearer TOKEN":
