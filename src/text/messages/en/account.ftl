# Account
page-account = Account
account-heading-anybody = Sign in
account-heading-known = You are signed in
account-heading-trouble = You could not be signed in
account-heading-refused = This was not done
account-no-provider = Nobody can sign in here yet: whoever runs this hub has named no provider. Everything that is public can be read without signing in.
account-about = You sign in where you have an account already. The hub is told what that provider calls you, and nothing else: no name, no address, no password.
account-sign-in-with = Sign in with { $provider }
account-sign-in-again = Go to the account page and try again
account-reference = If you report this, please quote the reference { $reference }.
account-issuer = Who vouches for you
account-subject = What they call you
account-person = Your person on the hub
account-person-none = None yet. Take up an invitation, or ask the administrators.
account-rights = Your rights
account-rights-none = None besides reading what is public.
account-right-administrator = Administrator
account-right-coordinator = Coordinator
account-right-reviewer = Reviewer
account-right-member = Member
account-right-representative = Representative
account-place-hub = the whole hub
account-place-unseen = something that you cannot see
account-sessions = Where you are signed in
account-session-count = { $count ->
    [one] In 1 browser, this one.
   *[other] In { $count } browsers, this one among them.
}
account-sign-out = Sign out here
account-sign-out-everywhere = Sign out everywhere

# Signing in
sign-in-provider-unknown = There is no provider with this name; choose one on the account page.
sign-in-return-unfit = After signing in one is led to a page of this hub alone; begin on the account page.
sign-in-elsewhere = This sign-in was begun in another browser, or so long ago that this browser has forgotten it. Begin anew here.
sign-in-over = This sign-in is over: it was used already, or it took longer than ten minutes. Begin anew.
sign-in-denied = { $provider } says that you did not agree to sign in. Nobody was signed in.
sign-in-away = { $provider } cannot be reached at the moment. Try again in a few minutes.
sign-in-clock = The clock of { $provider } and the hub’s differ by more than a minute, so that nobody can be signed in safely. Tell whoever runs this hub.
sign-in-misconfigured = { $provider } does not take this hub for the one that it knows. Whoever runs this hub has to compare its client id, its secret and its public address with what the provider has.
sign-in-misunderstood = What { $provider } says cannot be read. Tell whoever runs this hub.
sign-in-untrusted = What { $provider } sent is not to be trusted, so nobody was signed in. Begin anew; if it happens again, tell whoever runs this hub.
sign-out-own-page = One is signed out by the hub’s own account page alone; open it and use the button there.
