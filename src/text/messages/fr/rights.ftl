# Qui demande, et ce que cette personne peut faire
not-found = Il n’existe rien de tel, ou vous ne pouvez pas le voir.
sign-in-first = Connectez-vous d’abord, ou présentez un jeton.
credential-ended = Ce jeton n’en est pas un, ou il a expiré ou a été révoqué; présentez-en un autre.
grant-longer-than-own = Vous pouvez accorder un droit aussi longtemps que vous avez le vôtre, mais pas davantage; fixez une fin plus rapprochée.
grant-of-membership = Ce droit découle d’une adhésion et ne prend fin qu’avec elle.
grant-over = Ce droit a déjà pris fin.
token-scopes = Un jeton a de 1 à { $max } portées.
token-scope-unfit = Une portée de type { $kind } ne convient pas ici : lire comme membre et rédiger des ressources visent une communauté, administrer vise une organisation, les autres ne visent rien.
token-scope-not-held = Vous n’avez pas le droit qu’exige cette portée.
token-expiry = Un jeton expire dans les { $days } jours.
account-linked = Ce compte est déjà lié à une personne.
invitation-unknown = Cette invitation n’en est pas une, a déjà servi ou a expiré.
grant-unfit = Le droit { $right } n’existe pas à cet endroit : les administrateurs gèrent la plateforme ou une organisation, les autres droits portent sur des communautés, celui de représentant aussi sur des organisations.

# Les données de chacun
account-without-person = Votre compte n’est lié à aucune personne de la plateforme; acceptez une invitation, ou adressez-vous à ses administrateurs.
consent-wording = J’accepte que la plateforme montre ce renseignement à mon sujet aux personnes que je choisis ici. Je peux retirer cet accord en tout temps; dès lors, il n’est plus montré à personne d’autre.
consent-wording-other = Lisez le texte en vigueur ({ $version }, en français ou en anglais) et donnez votre accord à celui-là.
consent-bylines = Les noms imprimés sur des publications y restent pour tous ou pour personne : choisissez PUBLIC ou SELF.
erase-not-meant = Un effacement est irrévocable; confirmez que c’est bien ce que vous voulez.
contact-too-often = Vous avez envoyé plusieurs messages récemment; attendez un peu avant le prochain.

# La ligne de commande
cli-token-made = Le jeton, montré cette seule fois :
cli-token-none = Aucun jeton n’est valide pour le moment.
cli-token-revoked = Le jeton n’est plus valide.
cli-granted = Le droit est accordé.
cli-scope-unknown = Il n’y a pas de portée « { $scope } »; employez read-public, read-as-member-of:COMMUNITY, write-items-of:COMMUNITY ou administer-organization:ORGANIZATION.
cli-right-unknown = Il n’y a pas de droit « { $right } »; employez administrator, coordinator, reviewer, member ou representative.
cli-place-unknown = Indiquez où le droit doit valoir, comme organization:KEY ou community:KEY.
cli-key-unknown = Aucun élément { $kind } n’a la clé { $key }.
cli-personas =
    Des jetons à essayer, valides une semaine; envoyez-en un comme « Authorization: Bearer TOKEN » :
